#include "workflow/templates/semver.hpp"

#include <doctest/doctest.h>

#include <string_view>

using namespace geartrain;

TEST_CASE("semantic versions are recognised") {
  for (std::string_view good :
       {"0.0.4", "1.2.3", "10.20.30", "1.1.2-prerelease+meta", "1.1.2+meta", "1.0.0-alpha", "1.0.0-alpha.0valid",
        "1.0.0-rc.1+build.1", "1.2.3----RC-SNAPSHOT.12.9.1--.12", "2.0.0+build.1848", "1.0.0-0A.is.legal",
        "99999999999999999999999.999999999999999999.99999999999999999", "1.0.0-0", "1.0.0+001"}) {
    CAPTURE(good);
    CHECK(is_semver(good));
  }
  for (std::string_view bad :
       {"",       "1",          "1.2",        "1.2.3.4",  "01.1.1",   "1.01.1",    "1.1.01",         "1.2.3-",
        "1.2.3+", "1.2.3-0123", "1.2.3-a..b", "1.2.3-a.", "1.2.3-.a", "1.2.3+a+b", "1.2.3-\xc3\xa4", "v1.2.3",
        " 1.2.3", "1.2.3 ",     "-1.2.3",     "1..3",     "a.b.c",    "1.2.3+a_b"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_semver(bad));
  }
}

TEST_CASE("precedence: every version is less than those after it") {
  constexpr std::string_view ascending[] = {"",
                                            "latest",
                                            "0.0.1",
                                            "0.9.0",
                                            "1.0.0-0",
                                            "1.0.0-2",
                                            "1.0.0-10",
                                            "1.0.0-A",
                                            "1.0.0-alpha",
                                            "1.0.0-alpha.1",
                                            "1.0.0-alpha.beta",
                                            "1.0.0-beta",
                                            "1.0.0-beta.2",
                                            "1.0.0-beta.11",
                                            "1.0.0-rc.1",
                                            "1.0.0",
                                            "1.0.0+a",
                                            "1.0.0+b",
                                            "1.0.1",
                                            "1.2.0",
                                            "1.10.0",
                                            "2.0.0",
                                            "10.0.0",
                                            "18446744073709551616.0.0"};
  constexpr auto count = std::size(ascending);
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t j = 0; j < count; ++j) {
      CAPTURE(ascending[i]);
      CAPTURE(ascending[j]);
      CHECK(compare_semver(ascending[i], ascending[j]) == (i <=> j));
    }
  }
}
