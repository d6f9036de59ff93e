#include "workflow/strict_json.hpp"

#include "workflow/canonical_json.hpp"

#include <cmath>
#include <iterator>
#include <string>
#include <vector>

namespace geartrain {

namespace {

using nlohmann::json;

/// Feeds the parser and tells the handler how far it has read.
class counted_iterator {
public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  counted_iterator(const char* at, std::size_t* count) : at_(at), count_(count) {}

  reference operator*() const { return *at_; }
  counted_iterator& operator++() {
    ++at_;
    ++*count_;
    return *this;
  }
  counted_iterator operator++(int) {
    auto before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const counted_iterator& a, const counted_iterator& b) { return a.at_ == b.at_; }

private:
  const char* at_;
  std::size_t* count_;
};

/// Takes the parser's events and looks whether each can be kept. Every handler returns false to stop; why() then says why.
class strict_checker {
public:
  explicit strict_checker(const json_limits& limits) : limits_(limits) {}

  const std::string& why() const { return why_; }

  bool null() { return true; }
  bool boolean(bool) { return true; }
  bool number_integer(std::int64_t) { return true; }
  bool number_unsigned(std::uint64_t) { return true; }

  bool number_float(double value, const std::string& spelling) {
    // The library turns an integer that fits no 64 bits into a double and so loses digits in silence.
    bool is_integer = spelling.find_first_of(".eE") == std::string::npos;
    if (is_integer && !(limits_.canonical_integers && canonical_number(value) == spelling))
      return stop("an integer does not fit into 64 bits; write it as a string");
    return true;
  }

  bool string(const std::string& value) {
    if (value.find('\0') != std::string::npos)
      return stop("a string contains U+0000");
    return true;
  }

  bool key(const std::string& name) { return string(name); }
  bool binary(json::binary_t&) { return stop("binary values are not JSON"); }
  bool start_object(std::size_t) { return open(); }
  bool end_object() { return close(); }
  bool start_array(std::size_t) { return open(); }
  bool end_array() { return close(); }

  bool parse_error(std::size_t, const std::string&, const json::exception& error) {
    std::string text = error.what();
    // "[json.exception...] parse error at line 1, column 5: syntax error while ... - what; last read: '...'"
    if (auto at = text.find(" - "); at != std::string::npos)
      text.erase(0, at + 3);
    else if (auto end = text.find("] "); end != std::string::npos)
      text.erase(0, end + 2);
    if (auto at = text.find("; last read"); at != std::string::npos)
      text.erase(at);
    return stop(text.starts_with("number overflow") ? "a number is outside the range of a double" : text);
  }

private:
  bool open() {
    if (depth_ >= limits_.max_depth)
      return stop("the value is nested deeper than " + std::to_string(limits_.max_depth) + " levels");
    ++depth_;
    return true;
  }

  bool close() {
    --depth_;
    return true;
  }

  bool stop(std::string why) {
    why_ = std::move(why);
    return false;
  }

  json_limits limits_;
  std::size_t depth_ = 0;
  std::string why_;
};

/// Builds the value from the parser's events that pass the check.
class value_builder {
public:
  explicit value_builder(const json_limits& limits) : check_(limits) {}

  json take() { return std::move(root_); }
  const std::string& why() const { return check_.why(); }

  bool null() { return put(nullptr); }
  bool boolean(bool value) { return put(value); }
  bool number_integer(std::int64_t value) { return put(value); }
  bool number_unsigned(std::uint64_t value) { return put(value); }
  bool number_float(double value, const std::string& spelling) {
    return check_.number_float(value, spelling) && put(value);
  }
  bool string(std::string& value) { return check_.string(value) && put(std::move(value)); }
  bool binary(json::binary_t& value) { return check_.binary(value); }

  bool start_object(std::size_t size) { return check_.start_object(size) && open(json::object()); }
  bool end_object() { return check_.end_object() && close(); }
  bool start_array(std::size_t size) { return check_.start_array(size) && open(json::array()); }
  bool end_array() { return check_.end_array() && close(); }

  bool key(std::string& name) {
    if (!check_.key(name))
      return false;
    slot_ = &(*open_.back())[name];
    return true;
  }

  bool parse_error(std::size_t at, const std::string& token, const json::exception& error) {
    return check_.parse_error(at, token, error);
  }

private:
  bool open(json value) {
    open_.push_back(place(std::move(value)));
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  bool put(json value) {
    place(std::move(value));
    return true;
  }

  json* place(json value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    if (open_.back()->is_array())
      return &open_.back()->emplace_back(std::move(value));
    *slot_ = std::move(value);
    return slot_;
  }

  strict_checker check_;
  json root_;
  std::vector<json*> open_; ///< arrays and objects around the current position; only the innermost one grows
  json* slot_ = nullptr;    ///< where the value of the current key goes
};

/// Feeds the text to `events`; what is wrong with it, if anything is.
template <class Events>
std::optional<failure> feed(Events& events, std::string_view text) {
  // The parser would take a zero byte for the end of the input and not look at what follows.
  if (auto at = text.find('\0'); at != std::string_view::npos)
    return failure{errc::invalid, "a zero byte is not JSON at byte " + std::to_string(at)};
  std::size_t read = 0;
  counted_iterator begin(text.data(), &read);
  counted_iterator end(text.data() + text.size(), &read);
  if (!json::sax_parse(begin, end, &events))
    return failure{errc::invalid, events.why() + " at byte " + std::to_string(read)};
  return std::nullopt;
}

} // namespace

expected<json> parse_strict_json(std::string_view text, const json_limits& limits) {
  value_builder builder{limits};
  if (auto why = feed(builder, text))
    return std::move(*why);
  return builder.take();
}

std::optional<failure> check_strict_json(std::string_view text, const json_limits& limits) {
  strict_checker checker{limits};
  return feed(checker, text);
}

} // namespace geartrain
