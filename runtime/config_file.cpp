#include "runtime/config_file.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <fstream>
#include <numeric>
#include <set>

namespace geartrain {

namespace {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    auto diagonal = row[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      auto replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

/// "did you mean ...?" if one of the names is near, else the list of all.
std::string suggest(std::string_view wrong, const std::vector<std::string_view>& names) {
  auto nearer = [&](std::string_view a, std::string_view b) {
    return edit_distance(wrong, a) < edit_distance(wrong, b);
  };
  auto best = *std::min_element(names.begin(), names.end(), nearer);
  if (edit_distance(wrong, best) <= std::max<std::size_t>(2, best.size() / 4))
    return fmt::format("did you mean \"{}\"?", best);
  return fmt::format("known are: {}", fmt::join(names, ", "));
}

class file_reader {
public:
  explicit file_reader(const std::filesystem::path& path) : name_(path.string()) {}

  config_file_content read() {
    std::ifstream in{name_};
    std::error_code ignored;
    if (!in || std::filesystem::is_directory(name_, ignored)) {
      content_.problems.push_back(
        fmt::format("{}: can't read the configuration file; check the path and its rights", name_));
      return std::move(content_);
    }
    try {
      auto documents = YAML::LoadAll(in);
      if (documents.size() > 1)
        complain(documents[1], "", "a second document; keep one");
      else if (!documents.empty())
        read_root(documents[0]);
    } catch (const YAML::Exception& e) {
      content_.problems.push_back(fmt::format("{}:{}: not valid YAML: {}", name_, e.mark.line + 1, e.msg));
    }
    return std::move(content_);
  }

private:
  static int line_of(const YAML::Node& node) { return node.Mark().line + 1; }

  void complain(const YAML::Node& at, std::string_view key, std::string_view what) {
    content_.problems.push_back(fmt::format("{}:{}: {}{}{}", name_, line_of(at), key, key.empty() ? "" : ": ", what));
  }

  void read_root(const YAML::Node& root) {
    if (root.IsNull())
      return;
    if (!root.IsMap())
      return complain(root, "", "not a mapping of sections; write \"section:\" and its keys below, indented");
    std::set<std::string> seen;
    for (const auto& entry : root) {
      auto name = entry.first.IsScalar() ? entry.first.Scalar() : std::string{"(not a text)"};
      if (!seen.insert(name).second)
        complain(entry.first, name, "this section was there before; join the two");
      else
        read_section(entry.first, name, entry.second);
    }
  }

  void read_section(const YAML::Node& at, const std::string& name, const YAML::Node& body) {
    std::vector<std::string_view> names;
    for (const auto& section : config_sections())
      names.push_back(section.name);
    if (std::find(names.begin(), names.end(), name) == names.end())
      return complain(at, name, "unknown section; " + suggest(name, names));
    if (body.IsNull())
      return;
    if (!body.IsMap())
      return complain(body, name, "not a mapping; write its keys below, indented");
    std::set<std::string> seen;
    for (const auto& entry : body) {
      auto path = name + "." + (entry.first.IsScalar() ? entry.first.Scalar() : std::string{"(not a text)"});
      if (!seen.insert(path).second)
        complain(entry.first, path, "this key was there before; keep one of the two");
      else
        read_key(entry.first, path, entry.second);
    }
  }

  void read_key(const YAML::Node& at, const std::string& path, const YAML::Node& node) {
    auto key = find_config_key(path);
    if (key == nullptr) {
      std::vector<std::string_view> names;
      for (const auto& known : config_keys())
        if (known.section() == std::string_view{path}.substr(0, path.find('.')))
          names.push_back(known.path);
      return complain(at, path, "unknown key; " + suggest(path, names));
    }
    if (key->kind == value_kind::list)
      return read_list(*key, at, node);
    if (node.IsNull())
      return complain(at, path, "no value; remove the line for the default, or give " + describe_allowed(*key));
    if (!node.IsScalar())
      return complain(node, path, "not a single value; give " + describe_allowed(*key));
    // yaml-cpp marks a scalar that stands in quotes with the tag "!".
    if (key->kind == value_kind::integer && node.Tag() == "!")
      return complain(node, path,
                      fmt::format("\"{}\" is a text; give {}, without quotes", node.Scalar(), describe_allowed(*key)));
    auto value = parse_config_value(*key, node.Scalar());
    if (auto complaint = std::get_if<std::string>(&value))
      return complain(node, path, *complaint);
    keep(*key, std::get<config_value>(value), at);
  }

  void read_list(const config_key& key, const YAML::Node& at, const YAML::Node& node) {
    if (!node.IsSequence())
      return complain(at, key.path, "not a list; give " + describe_allowed(key) + ", as in [a, b]");
    std::vector<std::string> elements;
    bool good = true;
    for (const auto& element : node) {
      auto complaint = element.IsScalar() ? complaint_about_element(key, element.Scalar()) : "not a single value";
      if (complaint.empty()) {
        elements.push_back(element.Scalar());
        continue;
      }
      complain(element, key.path, complaint);
      good = false;
    }
    if (good)
      keep(key, std::move(elements), at);
  }

  void keep(const config_key& key, config_value value, const YAML::Node& at) {
    content_.values.push_back({&key, std::move(value), line_of(at)});
  }

  std::string name_;
  config_file_content content_;
};

} // namespace

config_file_content read_config_file(const std::filesystem::path& path) {
  return file_reader{path}.read();
}

} // namespace geartrain
