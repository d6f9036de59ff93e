# One interface target carries the flags that every target of ours shares.
add_library(geartrain_flags INTERFACE)
target_compile_options(geartrain_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror)
# With the optimiser on, gcc 12 takes the alternatives of any std::variant for uninitialised.
target_compile_options(geartrain_flags INTERFACE $<$<NOT:$<CONFIG:Debug>>:-Wno-maybe-uninitialized>)
target_include_directories(geartrain_flags INTERFACE "${CMAKE_SOURCE_DIR}")
# spdlog and fmt come as compiled Debian libraries; Boost must not auto-detect deprecated headers.
target_compile_definitions(geartrain_flags INTERFACE BOOST_ALLOW_DEPRECATED_HEADERS BOOST_BIND_GLOBAL_PLACEHOLDERS)

# geartrain_library(NAME LINKS...): the library of one folder; its sources are the folder's .cpp files.
function(geartrain_library name)
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cpp")
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  add_library(${name} STATIC ${sources})
  target_link_libraries(${name} PUBLIC geartrain_flags ${ARGN})
endfunction()
