#include "compose/passes/variables.hpp"

#include <algorithm>
#include <map>

#include "compose/template.hpp"

namespace consort::compose {

namespace {

constexpr int nesting_limit = 32;

struct Sighting {
  VariableUse use;
  bool plain = true;  // $X or ${X}, without an operator
};
using Sightings = std::map<std::string, Sighting>;

Sighting sighting_of(const TemplateUse& use) {
  Sighting made{VariableUse{use.name, "", "", false}, use.op.empty()};
  if (use.op.ends_with('-')) made.use.default_value = use.word;
  if (use.op.ends_with('+')) made.use.alternate_value = use.word;
  made.use.required = use.op.ends_with('?');
  return made;
}

Sightings in_text(std::string_view text, int depth);

// Variables in one `${X:-word}`; for a variable within its own word, the inner one counts.
Sightings in_use(const TemplateUse& use, int depth) {
  Sightings found{{use.name, sighting_of(use)}};
  if (depth >= nesting_limit || !(use.op.ends_with('-') || use.op.ends_with('+'))) return found;
  for (auto& [name, inner] : in_text(use.word, depth + 1)) found[name] = inner;
  return found;
}

// Docker Compose's pattern is greedy: an expression with an operator takes the rest of its line up to the last brace,
// and its content is read first. So within that stretch the first expression with an operator counts.
void read_line(std::string_view line, int depth, Sightings& found) {
  const std::size_t last = line.rfind('}');
  const std::string_view greedy = line.substr(0, last == std::string_view::npos ? 0 : last + 1);
  Sightings here;
  std::size_t at = 0;
  while (const auto use = next_template_use(greedy, at)) {
    for (auto& [name, seen] : in_use(*use, depth)) {
      const auto known = here.find(name);
      if (known == here.end() || known->second.plain) here.insert_or_assign(name, seen);
    }
  }
  for (auto& [name, seen] : here) found.insert_or_assign(name, seen);
  at = greedy.size();
  while (const auto use = next_template_use(line, at)) found.insert_or_assign(use->name, sighting_of(*use));
}

Sightings in_text(std::string_view text, int depth) {
  Sightings found;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    read_line(text.substr(0, end), depth, found);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return found;
}

int weight(const Sighting& seen) {
  if (seen.use.required) return 3;
  if (!seen.use.default_value.empty()) return 2;
  return seen.use.alternate_value.empty() ? 0 : 1;
}

void read(const Node& node, Sightings& found) {
  if (node.is_string()) {
    if (node.text.find('$') == std::string::npos) return;
    for (auto& [name, seen] : in_text(node.text, 0)) found.insert_or_assign(name, seen);
  }
  for (const Node& item : node.items) read(item, found);  // in a list, the last one counts
  for (const Entry& entry : node.entries) {
    Sightings below;
    read(entry.value, below);
    for (auto& [name, seen] : below) {
      const auto known = found.find(name);
      if (known == found.end() || weight(seen) >= weight(known->second)) found.insert_or_assign(name, seen);
    }
  }
}

}  // namespace

std::vector<VariableUse> variables_of(const Node& tree) {
  Sightings found;
  read(tree, found);
  std::vector<VariableUse> out;
  for (auto& [name, seen] : found) out.push_back(std::move(seen.use));
  return out;
}

}  // namespace consort::compose
