#pragma once

#include <string_view>

namespace geartrain {

/// Whether `text` has the format of JSON Schema that `format` names: date, time, date-time (RFC 3339) or uuid. Every text
/// has every other format: the draft leaves it to the validator which ones it knows. Pure and thread-safe.
bool has_format(std::string_view text, std::string_view format);

} // namespace geartrain
