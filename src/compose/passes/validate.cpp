#include "compose/passes/validate.hpp"

#include <algorithm>
#include <charconv>

#include "base/strings.hpp"
#include "compose/internal/go_format.hpp"
#include "compose/passes/merge.hpp"
#include "compose/passes/suggest.hpp"
#include "compose/schema.hpp"

namespace consort::compose {

namespace {

unsigned type_of(const Node& node) {
  switch (node.kind) {
    case Kind::null:
      return type::null;
    case Kind::boolean:
      return type::boolean;
    case Kind::integer:
      return type::integer;
    case Kind::floating:
      return type::number;
    case Kind::string:
      return type::string;
    case Kind::timestamp:
      return 0;
    case Kind::sequence:
      return type::sequence;
    case Kind::mapping:
      return type::mapping;
  }
  return 0;
}

bool accepts(const Shape& shape, const Node& node) {
  if (shape.types & type::any) return true;
  const unsigned have = type_of(node);
  if (shape.types & have) return true;
  if (node.kind == Kind::integer && (shape.types & type::number)) return true;
  return node.kind == Kind::floating && (shape.types & type::integer) &&
         node.floating == static_cast<double>(static_cast<std::int64_t>(node.floating));
}

bool key_fits(KeyRule rule, std::string_view key) {
  const auto is = [&](auto test) { return !key.empty() && std::ranges::all_of(key, test); };
  switch (rule) {
    case KeyRule::any:
      return true;
    case KeyRule::not_empty:
      return !key.empty();
    case KeyRule::lower_letters:
      return is([](char c) { return c >= 'a' && c <= 'z'; });
    case KeyRule::resource_name:
    case KeyRule::checked_name:
      return is([](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
               c == '-';
      });
  }
  return true;
}

class Pass {
 public:
  Pass(const std::string& file, Reporter& reporter) : prefix_("validating " + file + ": "), reporter_(reporter) {}

  void check(const Node& node, const Shape& shape, Place key_place) {
    if (reporter_.exhausted()) return;
    if (!accepts(shape, node)) return wrong_type(node, shape, key_place);
    if (node.is_mapping() && !(shape.types & type::any)) {
      check_mapping(node, shape, key_place);
    } else if (node.is_sequence() && shape.item) {
      check_sequence(node, shape);
    } else if (node.is_scalar()) {
      check_scalar(node, shape);
    }
  }

 private:
  // Whether an unknown key of the mapping is almost this one, so that reporting its absence would be redundant.
  static bool misspelled(const Node& node, const Shape& shape, std::string_view key) {
    return std::ranges::any_of(node.entries, [&](const Entry& entry) {
      const std::vector<std::string> wanted{std::string(key)};
      return !shape.find(entry.key) && nearest(to_lower(entry.key), wanted).has_value();
    });
  }

  std::string message(const std::string& text) const { return prefix_ + path_.dotted() + " " + text; }

  void wrong_type(const Node& node, const Shape& shape, Place key_place) {
    const Place place = node.is_null() || node.place.length == 0 ? (key_place ? key_place : node.place) : node.place;
    Diagnostic& made = reporter_.error("wrong-type", message("must be a " + type_names(shape)), place);
    explain_wrong_type(made, node, shape, path_, reporter_);
  }

  void check_mapping(const Node& node, const Shape& shape, Place key_place) {
    if (shape.fields.empty()) {
      check_free_mapping(node, shape);
      return;
    }
    for (const Entry& entry : node.entries) {
      if (reporter_.exhausted()) return;
      if (const Field* field = shape.find(entry.key)) {
        PathStep step(path_, entry.key);
        check(entry.value, *field->shape, entry.place);
      } else if (!(shape.extensions && entry.key.starts_with("x-")) && !shape.open) {
        Diagnostic& made = reporter_.error(
            "unknown-key", message("additional properties '" + entry.key + "' not allowed"), entry.place);
        explain_unknown_key(made, node, entry, shape, path_, reporter_);
      }
    }
    for (const std::string_view key : shape.required) {
      if (node.find(key) || misspelled(node, shape, key)) continue;
      Diagnostic& made = reporter_.error("missing-key", message("missing property '" + std::string(key) + "'"),
                                         key_place ? key_place : node.place);
      made.label = "`" + std::string(key) + "` is missing here";
      explain_missing_key(made, key, shape);
    }
    if (!shape.one_of.empty()) {
      const auto given = std::ranges::count_if(shape.one_of, [&](std::string_view key) { return node.find(key); });
      if (given == 0) {
        Diagnostic& made =
            reporter_.error("missing-key", message("missing property '" + std::string(shape.one_of[0]) + "'"),
                            key_place ? key_place : node.place);
        made.label = "`" + std::string(shape.one_of[0]) + "` is missing here";
      }
    }
  }

  void check_free_mapping(const Node& node, const Shape& shape) {
    for (const Entry& entry : node.entries) {
      if (reporter_.exhausted()) return;
      if (!key_fits(shape.keys, entry.key)) {
        if (shape.keys == KeyRule::lower_letters || shape.keys == KeyRule::checked_name) continue;
        Diagnostic& made =
            reporter_.error("bad-name", message("additional properties '" + entry.key + "' not allowed"), entry.place);
        explain_bad_name(made, entry, reporter_);
        continue;
      }
      if (!shape.value) continue;
      PathStep step(path_, entry.key);
      check(entry.value, *shape.value, entry.place);
    }
  }

  void check_sequence(const Node& node, const Shape& shape) {
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      PathStep step(path_, std::to_string(i));
      check(node.items[i], *shape.item, node.items[i].place);
    }
    if (!shape.unique || node.items.size() > 200) return;  // each item is compared with each
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      for (std::size_t j = i + 1; j < node.items.size(); ++j) {
        if (!same_value(node.items[i], node.items[j])) continue;
        Diagnostic& made = reporter_.error(
            "duplicate-item", message("items at " + std::to_string(i) + " and " + std::to_string(j) + " are equal"),
            node.items[j].place);
        made.label = "duplicate item";
        made.help = "remove one of the two";
        made.related.push_back(reporter_.related(node.items[i].place, "first here"));
      }
    }
  }

  void check_scalar(const Node& node, const Shape& shape) {
    if (node.is_string() && !shape.choices.empty() && !std::ranges::count(shape.choices, node.text)) {
      std::string list;
      for (const std::string_view choice : shape.choices) {
        list += std::string(list.empty() ? "" : ", ") + "'" + std::string(choice) + "'";
      }
      Diagnostic& made = reporter_.error("bad-value", message("value must be one of " + list), node.place);
      explain_choice(made, node, shape, reporter_);
    }
    if (node.is_string() && shape.pattern && !shape.pattern(node.text)) {
      Diagnostic& made = reporter_.error(
          "bad-value", message("'" + node.text + "' does not match pattern '" + std::string(shape.pattern_text) + "'"),
          node.place);
      made.label = "not a " + std::string(shape.name);
      if (!shape.example.empty()) made.help = "for example: " + std::string(shape.example);
      const std::vector<std::string> words = split(shape.pattern_text, '|');
      if (const auto near = nearest(node.text, words)) {
        made.help = "did you mean `" + *near + "`?";
        made.fixes.push_back(Fix{"write `" + *near + "`", Certainty::certain, {reporter_.edit(node.place, *near)}});
      }
    }
    if (shape.minimum < shape.maximum && (node.kind == Kind::integer || node.kind == Kind::floating)) {
      const double value = node.kind == Kind::integer ? static_cast<double>(node.integer) : node.floating;
      if (value < shape.minimum) {
        reporter_
            .error("out-of-range", message("must be greater than or equal to " + format_float(shape.minimum)),
                   node.place)
            .label = "too small";
      } else if (value > shape.maximum) {
        reporter_
            .error("out-of-range", message("must be less than or equal to " + format_float(shape.maximum)), node.place)
            .label = "too large";
      }
    }
  }

  std::string prefix_;
  Reporter& reporter_;
  Path path_;
};

}  // namespace

void validate_extended(const Node& root, const std::string& file, Reporter& reporter) {
  static const Shape text{.name = "string", .types = type::string};
  visit_keyless_items(root, [&](const Node& item, const Path& at) {
    Diagnostic& made =
        reporter.error("wrong-type", "validating " + file + ": " + at.dotted() + " must be a string", item.place);
    explain_wrong_type(made, item, text, at, reporter);
  });
}

void validate(const Node& root, const std::string& file, Reporter& reporter) {
  Pass(file, reporter).check(root, root_shape(), Place{});
}

}  // namespace consort::compose
