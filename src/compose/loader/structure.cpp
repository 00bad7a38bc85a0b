// Files that are valid YAML but not what their author meant: a body that is not indented, a section that is indented
// too far, a list whose dashes YAML does not recognize.
#include <algorithm>
#include <utility>

#include "base/strings.hpp"
#include "compose/loader/loader.hpp"
#include "compose/loader/repairer.hpp"
#include "compose/passes/suggest.hpp"
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

const Shape* shape_of(const Shape& parent, std::string_view key) {
  if (parent.fields.empty()) return parent.value;
  const Field* field = parent.find(key);
  return field ? field->shape : nullptr;
}

unsigned type_of(const Node& node) {
  if (node.is_mapping()) return type::mapping;
  if (node.is_sequence()) return type::sequence;
  if (node.is_null()) return type::null;
  return type::string | type::integer | type::number | type::boolean;
}

// Whether the value fits the shape: its kind, and the keys of a mapping.
bool could_be(const Node& value, const Shape& shape) {
  if (shape.types & type::any) return true;
  if (!(shape.types & type_of(value))) return false;
  if (!value.is_mapping() || shape.fields.empty()) return true;
  return std::ranges::all_of(value.entries, [&](const Entry& entry) {
    return shape.find(entry.key) || entry.key == "<<" || entry.key.starts_with("x-");
  });
}

bool is_service(const Node& value) {
  const bool named = value.find("image") || value.find("build") || value.find("extends");
  return value.is_mapping() && named && could_be(value, service_shape());
}

// Line numbers, first and last inclusive.
struct Lines {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  bool operator==(const Lines&) const = default;
};

constexpr std::uint32_t shift_limit = 500;  // lines: the text is moved once for each line

class Structure {
 public:
  Structure(Source& source, std::uint32_t index, Reporter& reporter)
      : source_(source), index_(index), reporter_(reporter) {}

  bool run(const Node& document) {
    if (!document.is_mapping() || document.style != Style::block) return false;
    return missing_services(document) || walk(document, root_shape());
  }

 private:
  // Repairs the first problem in this mapping or in one below it.
  bool walk(const Node& node, const Shape& shape) {
    if (reporter_.full()) return false;
    for (std::size_t i = 0; i < node.entries.size(); ++i) {
      const Entry& entry = node.entries[i];
      if (entry.value.alias_copy || !entry.place) continue;
      PathStep step(path_, entry.key);
      if (not_indented(node, shape, i) || misread(node, shape, entry)) return true;
      const Shape* inner = shape_of(shape, entry.key);
      if (!inner || !entry.value.is_mapping() || entry.value.style != Style::block) continue;
      if (too_deep(node, shape, entry, *inner) || walk(entry.value, *inner)) return true;
    }
    return false;
  }

  bool is_foreign(const Entry& entry, const Shape& shape) const {
    if (!shape.fields.empty()) return !shape.find(entry.key) && !entry.key.starts_with("x-") && !shape.open;
    return shape.value && !could_be(entry.value, *shape.value);
  }

  // The lines of a mapping's entries from `begin` up to, but not including, `end`.
  Lines lines_of(const Node& node, std::size_t begin, std::size_t end) const {
    const Place first = node.entries[begin].place;
    Lines lines{first.line, source_.line_count()};
    if (end < node.entries.size()) {
      lines.last = node.entries[end].place.line - 1;
    } else {  // up to the next line with less indentation
      for (std::uint32_t line = lines.first; line <= source_.line_count(); ++line) {
        const std::string_view text = source_.line(line);
        if (is_blank_line(text) || indent_of(text) + 1 >= first.column) continue;
        lines.last = line - 1;
        break;
      }
    }
    while (lines.last > lines.first && is_blank_line(source_.line(lines.last))) --lines.last;
    return lines;
  }

  // Indents by this many more or fewer spaces.
  Fix shift(Lines lines, std::int64_t by, std::string title, Certainty certainty) {
    Fix fix{std::move(title), certainty, {}};
    if (lines.last - lines.first > shift_limit) return fix;
    for (std::uint32_t line = lines.first; line <= lines.last; ++line) {
      const std::string_view text = source_.line(line);
      if (text.find_first_not_of(' ') == std::string_view::npos) continue;
      const std::size_t less = by < 0 ? std::min(static_cast<std::size_t>(-by), indent_of(text)) : 0;
      const std::string more(by > 0 ? static_cast<std::size_t>(by) : 0, ' ');
      // After the existing indentation, so that the line can be indented once more.
      const std::size_t at = source_.offset_of(line, 1) + indent_of(text) - less;
      TextEdit edit = source_.repair(at, less, more);
      if (!edit.file.empty()) fix.edits.push_back(std::move(edit));
    }
    return fix;
  }

  static std::string lines_text(Lines lines) {
    if (lines.first == lines.last) return "line " + std::to_string(lines.first);
    return "lines " + std::to_string(lines.first) + " to " + std::to_string(lines.last);
  }

  std::size_t column_of_body(const Node& siblings, const Entry& owner) const {
    if (!owner.value.entries.empty() && owner.value.entries[0].place.line > owner.place.line) {
      return owner.value.entries[0].place.column;
    }
    for (const Entry& entry : siblings.entries) {  // indent as deep as the neighbours' bodies
      if (!entry.value.is_mapping() || entry.value.entries.empty()) continue;
      const Place first = entry.value.entries[0].place;
      if (first.line > entry.place.line && first.column > entry.place.column) {
        return owner.place.column + first.column - entry.place.column;
      }
    }
    return owner.place.column + 2;
  }

  struct Owner {
    const Node* siblings = nullptr;
    const Entry* entry = nullptr;
    const Shape* shape = nullptr;
    int depth = 0;
    std::string path;  // starting from the first owner
  };

  // Whether an entry, misplaced after the owner, was meant for its body.
  bool belongs(const Entry& entry, const Owner& owner, const Node& node, const Shape& shape) const {
    if (owner.entry->value.find(entry.key)) return false;
    const Shape* wanted = shape_of(*owner.shape, entry.key);
    if (!wanted) return false;
    if (!owner.shape->fields.empty()) {
      return could_be(entry.value, *wanted) || (entry.value.is_null() && (wanted->types & type::mapping));
    }
    // Any key fits a free mapping. So it counts only directly below its name, and if it does not look like a typo for a
    // key of this level.
    if (!owner.entry->value.is_null()) return false;
    const bool name_only = entry.value.is_null() && owner.shape->value &&
                           owner.shape->value->fields.data() == service_shape().fields.data();
    return (could_be(entry.value, *wanted) || name_only) && !known_alias(entry.key, shape) &&
           !is_typo(entry, node, shape);
  }

  static bool is_typo(const Entry& entry, const Node&, const Shape& shape) {
    std::vector<std::string> known;
    for (const Field& field : shape.fields) known.emplace_back(field.key);
    return nearest(to_lower(entry.key), known).has_value();
  }

  // The entry, its last child, that child's last child and so on: the following entries may belong to any of them.
  static std::vector<Owner> owners_of(const Node& node, const Shape& shape, std::size_t i) {
    std::vector<Owner> owners;
    const Node* siblings = &node;
    const Shape* outer = &shape;
    std::string path;
    for (int depth = 0; depth < 3; ++depth) {
      const Entry& entry = depth == 0 ? siblings->entries[i] : siblings->entries.back();
      const Shape* inner = shape_of(*outer, entry.key);
      if (!inner || !(inner->types & type::mapping) || (inner->types & type::any)) break;
      const bool open = entry.value.is_null() || (entry.value.is_mapping() && entry.value.style == Style::block);
      if (!open || entry.value.alias_copy || !entry.place) break;
      if (depth > 0) path += "." + entry.key;
      owners.push_back(Owner{siblings, &entry, inner, depth, path});
      if (!entry.value.is_mapping() || entry.value.entries.empty()) break;
      siblings = &entry.value;
      outer = inner;
    }
    return owners;
  }

  bool not_indented(const Node& node, const Shape& shape, std::size_t i) {
    for (const Owner& owner : owners_of(node, shape, i)) {
      std::size_t end = i + 1;
      while (work_left_ > 0 && --work_left_ > 0 && end < node.entries.size() &&
             node.entries[end].place.line > owner.entry->place.line &&
             node.entries[end].place.column == node.entries[i].place.column && !node.entries[end].value.alias_copy &&
             is_foreign(node.entries[end], shape) && belongs(node.entries[end], owner, node, shape)) {
        ++end;
      }
      // At deeper levels it is a guess, which is not made if there are several candidates.
      const bool only = owner.depth == 0 || owner.entry->value.is_null() || owner.siblings->entries.size() == 1;
      if (end > i + 1 && only) return report_not_indented(node, i, end, owner);
    }
    return false;
  }

  bool report_not_indented(const Node& node, std::size_t i, std::size_t end, const Owner& owner) {
    const Entry& first = node.entries[i + 1];
    const std::size_t body = column_of_body(*owner.siblings, *owner.entry);
    const Lines lines = lines_of(node, i + 1, end);
    const std::string name = "`" + owner.entry->key + "`";
    const std::string where = "validating " + source_.path() + ": ";
    Place related;
    Diagnostic* made = nullptr;
    if (owner.entry->value.is_null()) {
      made = &reporter_.error("not-indented",
                              where + path_.dotted() + owner.path + " must be a mapping, but its body is not indented",
                              owner.entry->place);
      made->label = "nothing belongs to " + std::string(owner.shape == &service_shape() ? "this service" : "it");
      related = Place{index_, lines.first, first.place.column, 0};
    } else {
      Path parent = path_;
      parent.pop();
      made = &reporter_.error("not-indented",
                              where + parent.dotted() + " additional properties '" + first.key + "' not allowed",
                              first.place);
      made->label = "belongs to " + name + ", but is not indented like its body";
      related = owner.entry->place;
    }
    const std::int64_t by = static_cast<std::int64_t>(body) - first.place.column;
    const bool sure = owner.depth == 0 || owner.entry->value.is_null();
    made->help = lines_text(lines) + (lines.first == lines.last ? " is" : " are") + " for " + name + ": indent " +
                 (lines.first == lines.last ? "it" : "them") + " by " + std::to_string(body - 1) + " spaces, " +
                 std::to_string(body - owner.entry->place.column) + " more than " + name;
    made->related.push_back(
        reporter_.related(related, owner.entry->value.is_null() ? "the body starts here" : name + " starts here"));
    const std::size_t at = reporter_.count() - 1;
    Fix fix = shift(lines, by, "indent the body of " + name, sure ? Certainty::certain : Certainty::guess);
    const bool repaired = !fix.edits.empty();
    reporter_.diagnostics()[at].fixes.push_back(std::move(fix));
    return repaired;
  }

  // The last entries of a mapping that does not accept them, while the surrounding mapping does.
  bool too_deep(const Node& outer, const Shape& outer_shape, const Entry& owner, const Shape& shape) {
    const Node& node = owner.value;
    std::size_t begin = node.entries.size();
    while (begin > 1 && outer_fits(outer, outer_shape, node.entries[begin - 1], shape, node)) --begin;
    if (begin == node.entries.size() || node.entries[begin].place.column <= owner.place.column) return false;
    const Entry& first = node.entries[begin];
    const Lines lines = lines_of(node, begin, node.entries.size());
    Diagnostic& made = reporter_.error("too-deep",
                                       "validating " + source_.path() + ": " + path_.dotted() +
                                           " additional properties '" + first.key + "' not allowed",
                                       first.place);
    made.label = "indented as a part of `" + owner.key + "`";
    const std::size_t column = owner.place.column - 1;
    made.help = "`" + first.key + "` belongs next to `" + owner.key +
                "`: " + (column == 0 ? "do not indent " : "indent ") + lines_text(lines) +
                (column == 0 ? "" : " by " + std::to_string(column) + " spaces");
    const bool sure = &outer_shape == &root_shape() || shape.fields.data() == service_shape().fields.data();
    const std::int64_t by = static_cast<std::int64_t>(owner.place.column) - first.place.column;
    const std::size_t at = reporter_.count() - 1;
    Fix fix = shift(lines, by, "indent it like `" + owner.key + "`", sure ? Certainty::certain : Certainty::guess);
    const bool repaired = !fix.edits.empty();
    reporter_.diagnostics()[at].fixes.push_back(std::move(fix));
    return repaired;
  }

  static bool outer_fits(const Node& outer, const Shape& outer_shape, const Entry& entry, const Shape& shape,
                         const Node& node) {
    if (outer.find(entry.key) || entry.value.alias_copy) return false;
    const Shape* wanted = shape_of(outer_shape, entry.key);
    if (!wanted || !could_be(entry.value, *wanted)) return false;
    if (!shape.fields.empty()) {
      if (shape.find(entry.key) || is_typo(entry, node, shape) || known_alias(entry.key, shape)) return false;
      // A free mapping accepts any key, so the entry must look like one of its own.
      return !outer_shape.fields.empty() || is_service(entry.value);
    }
    // `volumes:` as the name of a service.
    return shape.value && entry.value.is_mapping() && !outer_shape.fields.empty() &&
           !could_be(entry.value, *shape.value);
  }

  // A text where a list or mapping is expected, because YAML sees no dash, colon or space in it.
  bool misread(const Node&, const Shape& shape, const Entry& entry) {
    const Shape* wanted = shape_of(shape, entry.key);
    const bool foreign = is_foreign(entry, shape);
    const bool text = wanted && entry.value.is_string() && entry.value.style == Style::plain &&
                      !(wanted->types & (type::string | type::any)) && entry.value.place.line > entry.place.line;
    if (!foreign && !text) return false;
    return Repairer(source_, index_, reporter_).run_on_line(text ? entry.value.place.line : entry.place.line);
  }

  // Services at the top level, as in the first version of the format.
  bool missing_services(const Node& document) {
    if (document.find("services") || document.find("include")) return false;
    const auto misnamed = [&](const Entry& entry) {
      return known_alias(entry.key, root_shape()) || is_typo(entry, document, root_shape());
    };
    std::size_t begin = 0;
    while (begin < document.entries.size() && !is_service(document.entries[begin].value)) {
      if (document.entries[begin].value.is_mapping() && misnamed(document.entries[begin])) return false;
      ++begin;
    }
    std::size_t end = begin;
    while (end < document.entries.size() && is_service(document.entries[end].value)) ++end;
    if (begin == end || document.entries[begin].key.starts_with("x-") || document.entries[begin].value.alias_copy)
      return false;
    const Entry& first = document.entries[begin];
    const Lines lines = lines_of(document, begin, end);
    reporter_.error("no-services",
                    "validating " + source_.path() + ":  additional properties '" + first.key + "' not allowed",
                    first.place);
    const std::size_t at = reporter_.count() - 1;
    Fix fix{"put the services below `services:`", Certainty::certain, {}};
    for (std::uint32_t line = lines.last; line >= lines.first && lines.last - lines.first <= shift_limit; --line) {
      if (source_.line(line).find_first_not_of(' ') == std::string_view::npos) continue;
      TextEdit edit = source_.repair(source_.offset_of(line, 1), 0, line == lines.first ? "services:\n  " : "  ");
      if (!edit.file.empty()) fix.edits.insert(fix.edits.begin(), std::move(edit));
    }
    Diagnostic& made = reporter_.diagnostics()[at];
    made.label = "a service at the top level";
    made.help = "put `services:` on a line of its own above it, and indent " + lines_text(lines) + " by 2 spaces";
    const bool repaired = !fix.edits.empty();
    made.fixes.push_back(std::move(fix));
    return repaired;
  }

  Source& source_;
  std::uint32_t index_;
  Reporter& reporter_;
  Path path_;
  std::size_t work_left_ = 200'000;  // comparisons of an entry with others
};

}  // namespace

bool repair_structure(Sources& sources, std::uint32_t index, const Node& document, Reporter& reporter) {
  Source* source = sources.get(index);
  return source && Structure(*source, index, reporter).run(document);
}

}  // namespace consort::compose
