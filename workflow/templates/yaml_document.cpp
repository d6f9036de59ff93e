#include "workflow/templates/yaml_document.hpp"

#include "workflow/templates/yaml_scalar.hpp"
#include "workflow/utf8.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <sstream>

namespace geartrain {

namespace {

int line_of(const YAML::Mark& mark) {
  return mark.line + 1;
}

/// Stops yaml-cpp from inside a callback; never leaves this file.
[[noreturn]] void stop(const YAML::Mark& mark, const std::string& why) {
  throw YAML::ParserException(mark, why);
}

std::size_t count_nodes(const document_node& node) {
  std::size_t count = 1;
  if (const auto* items = node.as<document_node::sequence>())
    for (const auto& item : *items)
      count += count_nodes(item);
  if (const auto* members = node.as<document_node::mapping>())
    for (const auto& member : *members)
      count += count_nodes(member.value);
  return count;
}

std::size_t depth_of(const document_node& node) {
  std::size_t depth = 0;
  if (const auto* items = node.as<document_node::sequence>())
    for (const auto& item : *items)
      depth = std::max(depth, depth_of(item));
  if (const auto* members = node.as<document_node::mapping>())
    for (const auto& member : *members)
      depth = std::max(depth, depth_of(member.value));
  return depth + 1;
}

/// Builds the tree from yaml-cpp's events.
class tree_builder : public YAML::EventHandler {
public:
  document_node take() { return std::move(root_); }
  problems take_problems() { return std::move(found_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (expects_key())
      return begin_member("null", mark, false);
    // An absent value is reported where the next token stands; its key is the better place.
    finish({nullptr, open_.empty() ? line_of(mark) : open_.back().key_line}, mark, anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    if (text.find('\0') != std::string::npos)
      stop(mark, "a string contains U+0000; remove it");
    if (expects_key())
      return begin_member(text, mark, tag == "?" && text == "<<");
    auto node = resolve_scalar(tag, text);
    if (!node) {
      found_.push_back({path(), line_of(mark), node.error().message});
      node = document_node{};
    }
    node->line = line_of(mark);
    finish(std::move(*node), mark, anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    auto known = anchors_.find(anchor);
    if (known == anchors_.end())
      stop(mark, "an alias refers to a key or to the value that it stands inside; write it out");
    if (expects_key())
      return stop(mark, "an alias can't be a key; write the key out");
    count(known->second.nodes, mark);
    if (open_.size() + known->second.depth > max_document_depth)
      stop(mark, "the document is nested deeper than " + std::to_string(max_document_depth) + " levels; flatten it");
    finish(document_node(known->second.node), mark, YAML::NullAnchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, "seq", anchor, document_node::sequence{});
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, "map", anchor, document_node::mapping{});
  }
  void OnMapEnd() override { close(); }

private:
  struct frame {
    document_node node;
    YAML::Mark mark;
    YAML::anchor_t anchor = YAML::NullAnchor;
    std::optional<std::string> key; ///< of a mapping: the key that waits for its value
    int key_line = 0;
    bool key_merges = false;
    std::map<std::string, int, std::less<>> key_lines;
    std::vector<document_node> merged; ///< mappings behind `<<`, in order
  };

  struct anchored {
    document_node node;
    std::size_t nodes = 0;
    std::size_t depth = 0;
  };

  bool expects_key() const {
    return !open_.empty() && open_.back().node.as<document_node::mapping>() && !open_.back().key;
  }

  void begin_member(const std::string& key, const YAML::Mark& mark, bool merges) {
    auto& top = open_.back();
    auto [known, is_new] = top.key_lines.emplace(key, line_of(mark));
    if (!is_new)
      found_.push_back({path() + (path().empty() ? "" : ".") + key, line_of(mark),
                        "the key '" + key + "' is given twice, first on line " + std::to_string(known->second) +
                          "; remove one of them"});
    top.key = key;
    top.key_line = line_of(mark);
    top.key_merges = merges;
  }

  void open(const YAML::Mark& mark, const std::string& tag, std::string_view kind, YAML::anchor_t anchor,
            decltype(document_node::value) empty) {
    if (expects_key())
      stop(mark, "a list or mapping can't be a key; use a plain string");
    if (tag != "?" && tag != "!" && !tag.empty() && tag != "tag:yaml.org,2002:" + std::string(kind))
      stop(mark, "the tag '" + tag + "' is not known; remove it");
    if (open_.size() >= max_document_depth)
      stop(mark, "the document is nested deeper than " + std::to_string(max_document_depth) + " levels; flatten it");
    open_.push_back({{std::move(empty), line_of(mark)}, mark, anchor, {}, line_of(mark), false, {}, {}});
  }

  void close() {
    auto done = std::move(open_.back());
    open_.pop_back();
    auto& members = done.node.value;
    for (auto& other : done.merged) // a key of the mapping itself wins, then the first that is merged
      for (auto& member : std::get<document_node::mapping>(other.value))
        if (done.key_lines.emplace(member.key, 0).second)
          std::get<document_node::mapping>(members).push_back(std::move(member));
    finish(std::move(done.node), done.mark, done.anchor);
  }

  void finish(document_node node, const YAML::Mark& mark, YAML::anchor_t anchor) {
    count(1, mark);
    if (anchor != YAML::NullAnchor) {
      auto nodes = count_nodes(node);
      count(nodes, mark);
      anchors_[anchor] = {node, nodes, depth_of(node)};
    }
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    auto& top = open_.back();
    if (auto* items = std::get_if<document_node::sequence>(&top.node.value)) {
      items->push_back(std::move(node));
      return;
    }
    if (top.key_merges)
      keep_for_merge(top, std::move(node), mark);
    else
      std::get<document_node::mapping>(top.node.value).push_back({std::move(*top.key), std::move(node)});
    top.key.reset();
  }

  void keep_for_merge(frame& top, document_node node, const YAML::Mark& mark) {
    auto take_one = [&](document_node one) {
      if (!one.as<document_node::mapping>())
        stop(mark, "only mappings can be merged with <<; refer to a mapping or a list of mappings");
      top.merged.push_back(std::move(one));
    };
    if (auto* items = std::get_if<document_node::sequence>(&node.value))
      for (auto& item : *items)
        take_one(std::move(item));
    else
      take_one(std::move(node));
  }

  void count(std::size_t nodes, const YAML::Mark& mark) {
    nodes_ += nodes;
    if (nodes_ > max_document_nodes)
      stop(mark,
           "the document unfolds to more than " + std::to_string(max_document_nodes) + " values; use fewer aliases");
  }

  /// Where the value stands that is being read.
  std::string path() const {
    std::string out;
    for (const auto& level : open_) {
      if (const auto* items = level.node.as<document_node::sequence>())
        out += "[" + std::to_string(items->size()) + "]";
      else if (level.key)
        out += (out.empty() ? "" : ".") + *level.key;
    }
    return out;
  }

  document_node root_;
  std::vector<frame> open_;
  std::map<YAML::anchor_t, anchored> anchors_;
  std::size_t nodes_ = 0;
  problems found_;
};

problems one_problem(int line, const std::string& what) {
  return {{"", line, what}};
}

std::optional<problems> check_bytes(std::string_view text) {
  auto bad = std::min(find_bad_utf8(text), text.find('\0'));
  if (bad == std::string_view::npos)
    return std::nullopt;
  auto line = 1 + static_cast<int>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(bad), '\n'));
  return one_problem(line, "the text is not UTF-8 without zero bytes; save the file as UTF-8");
}

} // namespace

std::variant<document_node, problems> read_yaml(std::string_view text) {
  if (auto bad = check_bytes(text))
    return *bad;
  try {
    std::istringstream in{std::string(text)};
    YAML::Parser parser(in);
    tree_builder tree;
    if (!parser.HandleNextDocument(tree))
      return one_problem(1, "the document is empty; write a template with name, namespace_name, version and steps");
    auto found = tree.take_problems();
    auto node = tree.take();
    tree_builder rest;
    if (parser.HandleNextDocument(rest))
      return one_problem(rest.take().line.value_or(1), "there is a second document; register each template on its own");
    if (!found.empty())
      return found;
    return node;
  } catch (const YAML::Exception& error) {
    auto line = error.mark.is_null() ? 1 : line_of(error.mark);
    return one_problem(line, "the text is not valid YAML: " + error.msg);
  } catch (const std::exception& error) {
    return one_problem(1, std::string("the text is not valid YAML: ") + error.what());
  }
}

} // namespace geartrain
