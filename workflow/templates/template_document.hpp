#pragma once

#include "messages/problem.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace geartrain {

struct document_member;

/// A template's text as a tree of plain values that remember their lines. YAML and JSON look the same from here on.
/// A plain value: not thread-safe while it is changed. At most max_document_depth deep, so that recursion is safe.
struct document_node {
  using sequence = std::vector<document_node>;
  using mapping = std::vector<document_member>;
  std::variant<std::nullptr_t, bool, std::int64_t, std::uint64_t, double, std::string, sequence, mapping> value;
  std::optional<int> line; ///< 1-based; absent for JSON

  /// A node without a line.
  template <class T>
  static document_node of(T content);

  bool is_null() const { return std::holds_alternative<std::nullptr_t>(value); }

  /// The value as one of its types; null if it has another one.
  template <class T>
  const T* as() const {
    return std::get_if<T>(&value);
  }

  /// The member of a mapping; null if there is none or this is no mapping.
  const document_node* find(std::string_view key) const;
};

struct document_member {
  std::string key;
  document_node value;
};

template <class T>
document_node document_node::of(T content) {
  document_node node;
  node.value.template emplace<T>(std::move(content));
  return node;
}

inline constexpr std::size_t max_document_depth = 100;

/// Most nodes that a YAML text may unfold to: its aliases could otherwise make gigabytes of a few lines.
inline constexpr std::size_t max_document_nodes = 2'000'000;

enum class template_format { yaml, json };

/// Reads one document, or tells what keeps it from being read. Plain YAML scalars become what the core schema says
/// (true, 12, 0x1f, 1.5, null); quoted ones stay strings. `<<` merges mappings. Of duplicate keys in JSON the last wins;
/// in YAML they are refused. Thread-safe.
std::variant<document_node, problems> read_document(std::string_view text, template_format format);

/// The same value without lines.
nlohmann::json to_json(const document_node& node);

/// "a string", "a list", ...: for messages.
std::string_view describe_type(const document_node& node);

} // namespace geartrain
