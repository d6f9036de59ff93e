#include "runtime/cli/table.hpp"

#include <algorithm>

namespace geartrain {

namespace {

std::string render_row(const std::vector<table_cell>& row, const std::vector<std::size_t>& widths, const style& paint) {
  std::string line;
  std::size_t owed = 0; // blanks before the next cell that shows something, so that no line ends in blanks
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (!row[i].text.empty()) {
      line.append(owed, ' ').append(paint.paint(row[i].ink, row[i].text));
      owed = 0;
    }
    owed += widths[i] - display_width(row[i].text) + 2;
  }
  return line + "\n";
}

} // namespace

std::string table::render(const style& paint) const {
  std::vector<table_cell> head;
  std::vector<std::size_t> widths;
  for (const auto& title : head_) {
    head.push_back({title, colour::bold});
    widths.push_back(display_width(title));
  }
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], display_width(row[i].text));
  auto out = render_row(head, widths, paint);
  for (const auto& row : rows_)
    out += render_row(row, widths, paint);
  return out;
}

std::string one_line(std::string_view text) {
  std::string out{text};
  std::replace_if(
    out.begin(), out.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return out;
}

} // namespace geartrain
