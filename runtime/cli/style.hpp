#pragma once

#include <string>
#include <string_view>

namespace geartrain {

enum class colour { none, grey, red, green, yellow, cyan, bold };

/// Paints text for a terminal, or leaves it alone. A plain value.
class style {
public:
  explicit style(bool coloured = false) : coloured_(coloured) {}

  /// True if `descriptor` is a terminal, TERM is not "dumb" and the variable NO_COLOR is absent or empty.
  static bool wanted_on(int descriptor);

  std::string paint(colour c, std::string_view text) const;

private:
  bool coloured_;
};

/// The colour that tells how a task or a step in this state is doing.
colour colour_of_state(std::string_view state);

/// Number of columns that UTF-8 text takes on a terminal, one per code point.
std::size_t display_width(std::string_view text);

} // namespace geartrain
