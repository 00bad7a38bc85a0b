#include "kube/attributes.hpp"

#include <algorithm>
#include <map>

#include "base/strings.hpp"
#include "compose/source.hpp"

namespace consort::kube {

namespace {

bool value_matches(std::string_view values, std::string_view value) {
  for (const std::string& each : split(values, ' ')) {
    const bool open = each.ends_with('*');
    if (open ? value.starts_with(each.substr(0, each.size() - 1)) : value == each) return true;
  }
  return false;
}

// Of a job what a service's table says holds, too.
std::string as_of_service(std::string_view path) {
  constexpr std::string_view job = "jobs.*.";
  if (path.starts_with(job) && !path.starts_with("jobs.*.triggers"))
    return "services.*." + std::string(path.substr(job.size()));
  return std::string(path);
}

const Attribute* row_at(std::string_view path, std::string_view value) {
  for (const Attribute& row : attributes())
    if (row.path == path && (row.values.empty() || value_matches(row.values, value))) return &row;
  return nullptr;
}

// Whether there is nothing in it to be lost.
bool says_nothing(const compose::Node& node) {
  if (node.is_mapping()) return node.entries.empty();
  if (node.is_sequence()) return node.items.empty();
  return node.is_null() || (node.kind == compose::Kind::boolean && !node.boolean) ||
         (node.is_string() && node.text.empty());
}

class Judge {
 public:
  explicit Judge(const compose::Project& project) : project_(project) {}

  std::vector<compose::Diagnostic> all() {
    if (project_.tree) look(*project_.tree, "", "");
    return std::move(found_);
  }

 private:
  // `pattern` is the path with "*" and "[]" for what users choose; `path` is for people.
  void look(const compose::Node& node, const std::string& pattern, const std::string& path) {
    if (!pattern.empty() && !below_of(pattern).rows) {
      if (!node.place || says_nothing(node)) return;  // what has no place was written by nobody
      const Attribute* row = attribute_for(pattern, node.is_scalar() ? node.scalar_text() : "");
      const bool lost = row && (row->fate == Fate::warned || row->fate == Fate::refused);
      if (lost) tell(node, *row, path);
      return;
    }
    const bool chosen_keys = below_of(pattern).chosen_keys;
    for (const compose::Entry& entry : node.entries) {
      if (entry.key.starts_with("x-") || is_inactive(pattern, entry.key)) continue;
      const std::string below = pattern.empty() ? "" : pattern + ".";
      look(entry.value, below + (chosen_keys ? "*" : entry.key), path.empty() ? entry.key : path + "." + entry.key);
    }
    for (std::size_t i = 0; i < node.items.size(); ++i)
      look(node.items[i], pattern + ".[]", path + "[" + std::to_string(i) + "]");
  }

  // What the table says of a pattern, which comes again with each service.
  struct Below {
    bool rows = false;
    bool chosen_keys = false;
  };
  const Below& below_of(const std::string& pattern) {
    const auto [found, fresh] = below_.try_emplace(pattern);
    if (!fresh) return found->second;
    const std::string below = as_of_service(pattern) + ".";
    for (const Attribute& each : attributes()) {
      if (!each.path.starts_with(below)) continue;
      found->second.rows = true;
      found->second.chosen_keys = found->second.chosen_keys || each.path[below.size()] == '*';
    }
    return found->second;
  }

  bool is_inactive(const std::string& section, const std::string& key) const {
    if (section == "services") return !project_.services.contains(key);
    return section == "jobs" && !project_.jobs.contains(key);
  }

  void tell(const compose::Node& node, const Attribute& row, const std::string& path) {
    const bool refused = row.fate == Fate::refused;
    compose::Diagnostic made;
    made.severity = refused ? compose::Severity::error : compose::Severity::warning;
    made.code = refused ? "kubernetes-refused" : "kubernetes-left-out";
    made.message = path + (refused ? " cannot be had on Kubernetes" : " is left out on Kubernetes");
    if (project_.sources) made.mark = project_.sources->mark(node.place);
    made.line_text = project_.line_at(made.mark);
    made.help = replace_all(std::string(row.text), "`", "");
    found_.push_back(std::move(made));
  }

  const compose::Project& project_;
  std::map<std::string, Below> below_;
  std::vector<compose::Diagnostic> found_;
};

}  // namespace

std::string_view to_string(Fate fate) {
  switch (fate) {
    case Fate::becomes:
      return "becomes";
    case Fate::unneeded:
      return "not needed";
    case Fate::warned:
      return "warned";
    case Fate::refused:
      return "refused";
  }
  return "";
}

const Attribute* attribute_for(std::string_view path, std::string_view value) {
  for (std::string at = as_of_service(path); !at.empty();) {
    if (const Attribute* row = row_at(at, value)) return row;
    const std::size_t dot = at.rfind('.');
    at.resize(dot == std::string::npos ? 0 : dot);
  }
  return nullptr;
}

std::vector<compose::Diagnostic> judge(const compose::Project& project) {
  return Judge(project).all();
}

std::string attributes_markdown() {
  std::string text =
      "# A Compose file on Kubernetes\n\n"
      "Made by `consort internal kubernetes-reference` from the table that the program runs on; do not edit. What "
      "stands for a section stands for all that is below it.\n*Warned*: it is left out, with the file's line in a "
      "warning. *Refused*: the command ends with the file's line. Extensions (`x-*`) are left alone.\n\n"
      "| attribute | values | fate | what it becomes, or why not |\n|---|---|---|---|\n";
  for (const Attribute& row : attributes()) {
    const std::string values = row.values.empty() ? "" : "`" + replace_all(std::string(row.values), " ", "`, `") + "`";
    text += "| `" + std::string(row.path) + "` | " + values + " | " + std::string(to_string(row.fate)) + " | " +
            std::string(row.text) + " |\n";
  }
  return text;
}

}  // namespace consort::kube
