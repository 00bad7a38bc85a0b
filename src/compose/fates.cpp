#include "compose/fates.hpp"

#include <map>

#include "base/strings.hpp"
#include "compose/source.hpp"

namespace consort::compose {

namespace {

bool value_matches(std::string_view values, std::string_view value) {
  for (const std::string& each : split(values, ' ')) {
    const bool open = each.ends_with('*');
    if (open ? value.starts_with(each.substr(0, each.size() - 1)) : value == each) return true;
  }
  return false;
}

std::string as_of_service(std::string_view path) {
  constexpr std::string_view job = "jobs.*.";
  if (path.starts_with(job) && !path.starts_with("jobs.*.triggers"))
    return "services.*." + std::string(path.substr(job.size()));
  return std::string(path);
}

const AttributeFate* row_at(const FateTable& table, std::string_view path, std::string_view value) {
  for (const AttributeFate& row : table.rows)
    if (row.path == path && (row.values.empty() || value_matches(row.values, value))) return &row;
  return nullptr;
}

// Whether the node contains nothing that could be lost.
bool says_nothing(const Node& node) {
  if (node.is_mapping()) return node.entries.empty();
  if (node.is_sequence()) return node.items.empty();
  return node.is_null() || (node.kind == Kind::boolean && !node.boolean) || (node.is_string() && node.text.empty());
}

Diagnostic made_of(const Project& project, const FateTable& table, Fate fate, Mark mark) {
  const bool refused = fate == Fate::refused;
  Diagnostic made;
  made.severity = refused ? Severity::error : Severity::warning;
  made.code = std::string(table.code) + (refused ? "-refused" : "-left-out");
  made.line_text = project.line_at(mark);
  made.mark = std::move(mark);
  return made;
}

class Judge {
 public:
  Judge(const Project& project, const FateTable& table) : project_(project), table_(table) {}

  std::vector<Diagnostic> all() {
    if (project_.tree) look(*project_.tree, "", "");
    return std::move(found_);
  }

 private:
  // `pattern` is the path with "*" and "[]" for user-chosen names; `path` is for messages.
  void look(const Node& node, const std::string& pattern, const std::string& path) {
    if (!pattern.empty() && !below_of(pattern).rows) {
      if (!node.place || says_nothing(node)) return;  // values without a place are not from any file
      const AttributeFate* row = fate_of(table_, pattern, node.is_scalar() ? node.scalar_text() : "");
      const bool lost = row && (row->fate == Fate::warned || row->fate == Fate::refused);
      if (lost) tell(node, *row, path);
      return;
    }
    const bool chosen_keys = below_of(pattern).chosen_keys;
    for (const Entry& entry : node.entries) {
      if (entry.key.starts_with("x-") || is_inactive(pattern, entry.key)) continue;
      const std::string below = pattern.empty() ? "" : pattern + ".";
      look(entry.value, below + (chosen_keys ? "*" : entry.key), path.empty() ? entry.key : path + "." + entry.key);
    }
    for (std::size_t i = 0; i < node.items.size(); ++i)
      look(node.items[i], pattern + ".[]", path + "[" + std::to_string(i) + "]");
  }

  // The table's entries for a pattern, cached because it recurs with each service.
  struct Below {
    bool rows = false;
    bool chosen_keys = false;
  };
  const Below& below_of(const std::string& pattern) {
    const auto [found, fresh] = below_.try_emplace(pattern);
    if (!fresh) return found->second;
    const std::string below = as_of_service(pattern) + ".";
    for (const AttributeFate& each : table_.rows) {
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

  void tell(const Node& node, const AttributeFate& row, const std::string& path) {
    Mark mark;
    if (project_.sources) mark = project_.sources->mark(node.place);
    Diagnostic made = made_of(project_, table_, row.fate, std::move(mark));
    made.message =
        path + (row.fate == Fate::refused ? " is not supported " : " is left out ") + std::string(table_.where);
    made.help = replace_all(std::string(row.text), "`", "");
    found_.push_back(std::move(made));
  }

  const Project& project_;
  const FateTable& table_;
  std::map<std::string, Below> below_;
  std::vector<Diagnostic> found_;
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

const AttributeFate* fate_of(const FateTable& table, std::string_view path, std::string_view value) {
  for (std::string at = as_of_service(path); !at.empty();) {
    if (const AttributeFate* row = row_at(table, at, value)) return row;
    const std::size_t dot = at.rfind('.');
    at.resize(dot == std::string::npos ? 0 : dot);
  }
  return nullptr;
}

std::vector<Diagnostic> judge(const Project& project, const FateTable& table) {
  return Judge(project, table).all();
}

Diagnostic left_out(const Project& project, const FateTable& table, const Strings& path, std::string message,
                    std::string help) {
  Diagnostic made = made_of(project, table, Fate::warned, project.locate(path));
  made.message = std::move(message);
  made.help = std::move(help);
  return made;
}

std::string fates_markdown(const FateTable& table) {
  std::string text = "| attribute | values | fate | what it becomes, or why not |\n|---|---|---|---|\n";
  for (const AttributeFate& row : table.rows) {
    const std::string values = row.values.empty() ? "" : "`" + replace_all(std::string(row.values), " ", "`, `") + "`";
    text += "| `" + std::string(row.path) + "` | " + values + " | " + std::string(to_string(row.fate)) + " | " +
            std::string(row.text) + " |\n";
  }
  return text;
}

std::string left_out_list(const std::vector<Diagnostic>& notes) {
  std::string text;
  for (const Diagnostic& each : notes) {
    const std::string place = each.mark.line ? each.mark.file + ":" + std::to_string(each.mark.line) + ": " : "";
    text += place + each.message + "\n";
    if (!each.help.empty()) text += "  " + replace_all(each.help, "\n", "\n  ") + "\n";
  }
  return text;
}

}  // namespace consort::compose
