#pragma once

#include "runtime/cli/style.hpp"

#include <string>
#include <vector>

namespace geartrain {

struct table_cell {
  std::string text;
  colour ink = colour::none;
};

/// Columns of text with a head, two blanks between them. Not thread-safe.
class table {
public:
  explicit table(std::vector<std::string> head) : head_(std::move(head)) {}

  /// One cell for each column of the head.
  void add(std::vector<table_cell> row) { rows_.push_back(std::move(row)); }

  bool empty() const { return rows_.empty(); }

  std::string render(const style& paint) const;

private:
  std::vector<std::string> head_;
  std::vector<std::vector<table_cell>> rows_;
};

/// Makes text of unknown origin fit for one cell of a terminal: control characters, line ends included, become blanks.
std::string one_line(std::string_view text);

} // namespace geartrain
