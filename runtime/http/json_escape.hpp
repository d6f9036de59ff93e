#pragma once

#include <string>
#include <string_view>

namespace geartrain {

/// Appends `text` as a JSON string with its quotes. Control characters are escaped; bytes that are not UTF-8 become
/// U+FFFD, so that the output is valid JSON whatever comes in.
void append_json_string(std::string& out, std::string_view text);

} // namespace geartrain
