#include "messages/errors.hpp"

#include <caf/all.hpp>

namespace geartrain {

namespace {

constexpr auto category = caf::atom("geartrain");

} // namespace

caf::error make_error(errc code) {
  return {static_cast<std::uint8_t>(code), category};
}

caf::error make_error(errc code, std::string message) {
  return {static_cast<std::uint8_t>(code), category, caf::make_message(std::move(message))};
}

failure to_failure(const caf::error& error) {
  if (error.category() == category) {
    std::string text;
    if (error.context().match_elements<std::string>())
      text = error.context().get_as<std::string>(0);
    return {static_cast<errc>(error.code()), std::move(text)};
  }
  if (error == caf::sec::request_receiver_down || error == caf::exit_reason::kill)
    return {errc::dropped, "the receiving actor went down"};
  return {errc::unhandled, caf::to_string(error)};
}

} // namespace geartrain
