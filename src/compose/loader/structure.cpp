// Files that are YAML but not what their author meant: a service whose body is not indented.
#include <algorithm>
#include <utility>

#include "compose/loader/loader.hpp"
#include "compose/schema.hpp"

namespace consort::compose {

namespace {

std::size_t indent_of(std::string_view line) {
  return std::min(line.find_first_not_of(' '), line.size());
}

bool is_blank_line(std::string_view line) {
  const std::size_t indent = indent_of(line);
  return indent == line.size() || line[indent] == '#';
}

// How much deeper the bodies of the other services stand than their names; 2 when there is none.
std::size_t body_step(const Node& services) {
  for (const Entry& entry : services.entries) {
    if (!entry.value.is_mapping() || entry.value.entries.empty()) continue;
    const Place first = entry.value.entries[0].place;
    if (first.line > entry.place.line && first.column > entry.place.column) return first.column - entry.place.column;
  }
  return 2;
}

bool looks_like_body(const Entry& entry) {
  return service_shape().find(entry.key) != nullptr &&
         !(entry.value.is_mapping() && (entry.value.find("image") || entry.value.find("context")));
}

struct Stray {
  std::string name;
  Place name_place;
  std::uint32_t first_line = 0;
  std::uint32_t last_line = 0;  // inclusive
};

// The null service and the run of attributes that follow it at the same depth.
bool find_stray(const Source& source, const Node& services, Stray& stray) {
  for (std::size_t i = 0; i + 1 < services.entries.size(); ++i) {
    const Entry& name = services.entries[i];
    const Entry& next = services.entries[i + 1];
    if (!name.value.is_null() || !looks_like_body(next)) continue;
    if (service_shape().find(name.key) || next.place.line <= name.place.line ||
        next.place.column != name.place.column || next.value.alias_copy) {
      continue;
    }
    std::size_t end = i + 1;
    while (end < services.entries.size() && looks_like_body(services.entries[end])) ++end;
    stray.name = name.key;
    stray.name_place = name.place;
    stray.first_line = next.place.line;
    std::uint32_t last = end < services.entries.size() ? services.entries[end].place.line - 1 : source.line_count();
    if (end == services.entries.size()) {
      // Up to the next line that is less deep than the services.
      for (std::uint32_t line = stray.first_line; line <= source.line_count(); ++line) {
        const std::string_view text = source.line(line);
        if (!is_blank_line(text) && indent_of(text) + 1 < name.place.column) {
          last = line - 1;
          break;
        }
      }
    }
    while (last > stray.first_line && is_blank_line(source.line(last))) --last;
    stray.last_line = last;
    return true;
  }
  return false;
}

bool looks_like_service(const Entry& entry) {
  if (!entry.value.is_mapping() || root_shape().find(entry.key) || entry.key.starts_with("x-")) return false;
  return entry.value.find("image") || entry.value.find("build") || entry.value.find("extends");
}

// "services:" with nothing in it, and services at its own depth.
bool repair_services(Source& source, const Node& document, Reporter& reporter) {
  std::size_t at = 0;
  while (at < document.entries.size() && document.entries[at].key != "services") ++at;
  if (at + 1 >= document.entries.size() || !document.entries[at].value.is_null()) return false;
  std::size_t end = at + 1;
  while (end < document.entries.size() && looks_like_service(document.entries[end])) ++end;
  if (end == at + 1) return false;
  const std::uint32_t first = document.entries[at + 1].place.line;
  std::uint32_t last = end < document.entries.size() ? document.entries[end].place.line - 1 : source.line_count();
  while (last > first && is_blank_line(source.line(last))) --last;
  reporter.error("not-indented",
                 "validating " + source.path() + ": services must be a mapping, but the services are not indented",
                 document.entries[at].place);
  Fix fix{"indent the services by 2 blanks", Certainty::certain, {}};
  for (std::uint32_t line = first; line <= last; ++line) {
    if (source.line(line).find_first_not_of(' ') == std::string_view::npos) continue;
    TextEdit edit = source.repair(source.offset_of(line, 1), 0, "  ");
    if (!edit.file.empty()) fix.edits.push_back(std::move(edit));
  }
  Diagnostic& kept = reporter.diagnostics().back();
  kept.label = "nothing belongs to it";
  kept.help = "indent lines " + std::to_string(first) + " to " + std::to_string(last) + " by 2 blanks";
  const bool repaired = !fix.edits.empty();
  kept.fixes.push_back(std::move(fix));
  return repaired;
}

}  // namespace

bool repair_structure(Sources& sources, std::uint32_t index, const Node& document, Reporter& reporter) {
  if (Source* text = sources.get(index); text && repair_services(*text, document, reporter)) return true;
  const Node* services = document.find("services");
  Source* source = sources.get(index);
  if (!services || !services->is_mapping() || !source) return false;
  Stray stray;
  if (!find_stray(*source, *services, stray)) return false;
  const std::size_t step = body_step(*services);
  Diagnostic made = reporter.error(
      "not-indented",
      "validating " + source->path() + ": services." + stray.name + " must be a mapping, but its body is not indented",
      stray.name_place);
  Fix fix{"indent the body of `" + stray.name + "` by " + std::to_string(step) + " blanks", Certainty::certain, {}};
  for (std::uint32_t line = stray.first_line; line <= stray.last_line; ++line) {
    if (is_blank_line(source->line(line)) && indent_of(source->line(line)) == source->line(line).size()) continue;
    TextEdit edit = source->repair(source->offset_of(line, 1), 0, std::string(step, ' '));
    if (edit.file.empty()) continue;
    fix.edits.push_back(std::move(edit));
  }
  Diagnostic& kept = reporter.diagnostics().back();
  kept.label = "nothing belongs to this service";
  kept.help = "lines " + std::to_string(stray.first_line) + " to " + std::to_string(stray.last_line) +
              " are attributes of `" + stray.name + "`: indent them by " + std::to_string(step) +
              " blanks more than `" + stray.name + ":`";
  Place first{index, stray.first_line, static_cast<std::uint32_t>(stray.name_place.column), 0};
  kept.related.push_back(RelatedMark{Mark{source->path(), stray.first_line, first.column, 0},
                                     std::string(source->original_line(stray.first_line)), "the body starts here"});
  const bool repaired = !fix.edits.empty();
  kept.fixes.push_back(std::move(fix));
  return repaired;
}

}  // namespace consort::compose
