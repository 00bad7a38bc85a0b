#include "compose/loader/loader.hpp"

#include <algorithm>
#include <limits>
#include <ranges>
#include <utility>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "compose/loader/repairer.hpp"
#include "compose/passes/canonical.hpp"
#include "compose/passes/validate.hpp"
#include "compose/template.hpp"
#include "compose/yaml/encoding.hpp"

namespace consort::compose {

namespace {

constexpr int repair_limit = 40;                                 // rounds of repairing and parsing again
constexpr int attempt_limit = 6;                                 // repairs tried for one problem
constexpr std::size_t repair_size_limit = std::size_t{1} << 18;  // larger texts are not written by hand
constexpr std::size_t repair_work_limit = std::size_t{1} << 23;  // bytes to parse again in all rounds

Lookup lookup_in(const Environment& environment) {
  return [&environment](std::string_view name) -> const std::string* {
    const auto found = environment.find(std::string(name));
    return found == environment.end() ? nullptr : &found->second;
  };
}

Place place_of(std::uint32_t source, const yaml::Position& at) {
  return Place{source, at.line + 1, at.column + 1, 1};
}

}  // namespace

namespace {

// An alias without its anchor: misspelled, or defined further down.
void explain_anchor(Diagnostic& made, const Source& source, const yaml::Problem& problem) {
  const std::size_t begin = problem.problem.find('\'') + 1;
  const std::string wanted = problem.problem.substr(begin, problem.problem.rfind('\'') - begin);
  std::vector<std::string> known;
  std::uint32_t later = 0;
  for (std::uint32_t number = 1; number <= source.line_count(); ++number) {
    const std::string_view line = source.line(number);
    for (std::size_t at = line.find(" &"); at != std::string_view::npos; at = line.find(" &", at + 1)) {
      const std::size_t end = std::min(line.find_first_of(" ,]}", at + 2), line.size());
      known.emplace_back(line.substr(at + 2, end - at - 2));
      if (known.back() == wanted && later == 0) later = number;
    }
  }
  if (later > 0) {
    made.label = "`&" + wanted + "` is defined later, on line " + std::to_string(later);
    made.help = "an anchor must come before its aliases: move it up";
  } else if (const auto near = nearest(wanted, known)) {
    made.label = "there is no anchor `&" + wanted + "`";
    made.help = "did you mean `*" + *near + "`?";
    const std::size_t at = source.original_offset(source.offset_of(problem.at.line + 1, problem.at.column + 1));
    made.fixes.push_back(Fix{
        "write `*" + *near + "`", Certainty::certain, {TextEdit{source.path(), at, wanted.size() + 1, "*" + *near}}});
  } else {
    made.help =
        "an alias `*name` needs an anchor `&name` on an earlier value of the same file; a literal `*` needs quotes";
  }
}

// "- db" among `key: value` lines.
void explain_stray_item(Diagnostic& made, const Source& source, const yaml::Problem& problem) {
  const std::uint32_t here = problem.at.line + 1;
  std::string_view above;
  for (std::uint32_t number = here; above.empty() && number-- > 1;) above = trim(source.line(number));
  const std::size_t colon = above.find(": ");
  made.label = "a list item among `key: value` lines";
  made.help = "write `key: value`, or indent it like the other items of its list";
  if (colon != std::string_view::npos && !above.starts_with('-') && !above.starts_with('#')) {
    const std::string key(above.substr(0, colon));
    made.help = "`" + key + "` already has a value, so no list can follow; " + made.help;
  }
}

}  // namespace

void TreeLoader::report_problem(Parsed& parsed, const yaml::Problem& problem) {
  const Source& source = *sources_.get(parsed.source);
  std::string message = "failed to parse " + source.path() + ": yaml: ";
  if (problem.at.line > 0 || !problem.context.empty()) message += "line " + std::to_string(problem.at.line + 1) + ": ";
  Diagnostic& made = reporter_.error("yaml-syntax", message + problem.problem, place_of(parsed.source, problem.at));
  made.label = problem.problem;
  const bool elsewhere = problem.context_at.line != problem.at.line;
  if (!problem.context.empty() && !elsewhere) made.help = problem.context;
  if (problem.problem.starts_with("unknown anchor")) {
    explain_anchor(made, source, problem);
  } else if (problem.problem == "did not find expected key" &&
             trim(source.line(problem.at.line + 1)).starts_with("- ")) {
    explain_stray_item(made, source, problem);
  } else if (problem.problem == "found unknown escape character") {
    made.help = "in double quotes a backslash starts an escape: write \\\\, or use single quotes";
  } else if (problem.problem.starts_with("map merge")) {
    made.help = "`<<` takes an alias of a mapping: `<<: *name`; lists cannot be merged";
  } else if (problem.problem.find("UTF-8") != std::string::npos) {
    made.label = "not UTF-8";
    made.help = "save the file as UTF-8; for example: iconv -f latin1 -t utf-8 OLD > NEW";
  } else if (problem.problem.starts_with("control characters")) {
    made.help = "remove the character; in double quotes it can be written as an escape, like \\x1b";
  } else if (source.text().find_first_not_of(" \r\n") == source.text().find('<')) {
    made.label = "this is HTML or XML, not YAML";
    made.help = "a web page was saved instead of the file: download the raw file";
    return;
  }
  if (elsewhere && !problem.context.empty()) {
    made.related.push_back(reporter_.related(place_of(parsed.source, problem.context_at), problem.context));
  }
}

// Parses, repairs as much as possible, and parses again.
yaml::Documents TreeLoader::parse_repaired(std::uint32_t source) {
  yaml::Documents documents = yaml::parse(sources_.get(source)->text(), source);
  if (sources_.get(source)->text().size() > repair_size_limit) return documents;
  if (documents.problem && yaml::find_bad_character(sources_.get(source)->text())) return documents;
  const auto rounds = static_cast<int>(repair_work_limit / (sources_.get(source)->text().size() * attempt_limit + 1));
  for (int round = 0; round < std::min(repair_limit, rounds) && repair_once(source, documents); ++round) {
  }
  return documents;
}

// A repair that does not get the parser any further is undone, and the next one that fits is tried.
bool TreeLoader::repair_once(std::uint32_t source, yaml::Documents& documents) {
  if (!documents.problem) {
    const bool repaired = std::ranges::any_of(
        documents.roots, [&](const Node& document) { return repair_structure(sources_, source, document, reporter_); });
    if (repaired) documents = yaml::parse(sources_.get(source)->text(), source);
    return repaired;
  }
  const Source before = *sources_.get(source);
  const std::size_t reports = reporter_.count();
  for (int skip = 0; skip < attempt_limit; ++skip) {
    if (!repair_syntax(sources_, source, *documents.problem, skip, reporter_)) return false;
    yaml::Documents next = yaml::parse(sources_.get(source)->text(), source);
    const bool certain = reporter_.diagnostics().back().fixes.at(0).certainty == Certainty::certain;
    const std::uint32_t reached = next.problem ? next.problem->at.line : std::numeric_limits<std::uint32_t>::max();
    if (reached > documents.problem->at.line || (certain && reached == documents.problem->at.line)) {
      documents = std::move(next);
      return true;
    }
    *sources_.get(source) = before;
    reporter_.rewind(reports);
  }
  return false;
}

const TreeLoader::Parsed& TreeLoader::parse_file(const std::string& path) {
  if (const auto found = parsed_.find(path); found != parsed_.end()) return found->second;
  Parsed& parsed = parsed_[path];
  auto text = options_.access.read(path);
  if (!text) {
    reporter_.error("unreadable", text.error().message()).mark.file = path;
    return parsed;
  }
  if (text->size() > yaml::text_limit) {
    reporter_.error("unreadable", "read " + path + ": the file is larger than 16 MiB").mark.file = path;
    return parsed;
  }
  if (auto decoded = yaml::decode_utf16(*text)) *text = std::move(*decoded);
  values_left_ += text->size() / 10;
  parsed.source = sources_.add(path, std::move(*text));
  parsed.usable = true;
  if (ParsedFiles* kept = options_.parsed) {
    if (auto documents = kept->find(*sources_.get(parsed.source), parsed.source)) {
      parsed.documents = std::move(documents);
      return parsed;
    }
  }
  const std::size_t reports = reporter_.count();
  parse(parsed, path);
  if (options_.parsed && reporter_.count() == reports)
    options_.parsed->keep(*sources_.get(parsed.source), parsed.source, parsed.documents);
  return parsed;
}

void TreeLoader::parse(Parsed& parsed, const std::string& path) {
  yaml::Documents documents = parse_repaired(parsed.source);
  if (documents.problem) report_problem(parsed, *documents.problem);
  parsed.damaged = documents.problem.has_value();
  for (const yaml::Duplicate& each : documents.duplicates) {
    if (reporter_.full()) break;
    Diagnostic& made =
        reporter_.error("duplicate-key",
                        "failed to parse " + path + ": line " + std::to_string(each.second.line) + ": mapping key \"" +
                            each.key + "\" already defined at line " + std::to_string(each.first.line),
                        each.second);
    made.label = "`" + each.key + "` again";
    made.help = "a key can appear only once in a mapping; merge the two or remove one";
    made.related.push_back(reporter_.related(each.first, "first defined here"));
  }
  for (const yaml::BadKey& each : documents.bad_keys) {
    if (reporter_.full()) break;
    report_bad_key(each);
  }
  for (const yaml::BadKey& each : documents.lonely_tags) {
    if (reporter_.full()) break;
    Diagnostic& made = reporter_.warning(
        "lonely-tag", "`" + each.text + "` is a tag of YAML, not a value: the value is empty", each.place);
    made.label = "a `!` at the start makes a tag";
    made.help = "put the value in quotes: " + single_quoted(each.text);
    made.fixes.push_back(
        Fix{"put it in quotes", Certainty::certain, {reporter_.edit(each.place, single_quoted(each.text))}});
  }
  parsed.documents = std::make_shared<const std::vector<Node>>(std::move(documents.roots));
}

void TreeLoader::report_bad_key(const yaml::BadKey& key) {
  Diagnostic& made = reporter_.error("bad-key", "non-string key: " + key.text, key.place);
  made.label = "keys must be strings";
  Place place = key.place;
  std::string right = "\"" + key.text + "\"";
  const std::string_view line = reporter_.sources().get(place.source)->line(place.line);
  if (key.text == "<nil>" && place.column > 0 && place.column <= line.size()) {
    // "- :": a null has no text of its own, and its intended meaning is unknown.
    const std::string_view written = line.substr(place.column - 1);
    made.help = "put it in quotes: \"" + std::string(written.substr(0, written.find_first_of(" \t,}"))) + "\"";
    return;
  }
  // "- 8080: 80": two ports with a space between them.
  const std::string_view content = trim(line);
  const std::size_t value = content.find(": ");
  if (content.starts_with("- " + key.text + ":") && value != std::string_view::npos) {
    const std::string_view second = trim(content.substr(value + 1));
    if (second.find_first_not_of("0123456789-/tcpudp") == std::string_view::npos) {
      right = "\"" + key.text + ":" + std::string(second) + "\"";
      place.length = static_cast<std::uint32_t>(content.size() - 2);
      made.label = "the space after `:` makes this a mapping";
    }
  }
  made.help =
      place.length == key.place.length ? "put it in quotes: " + right : "write " + right + ", without the space";
  made.fixes.push_back(Fix{"write " + right, Certainty::certain, {reporter_.edit(place, right)}});
}

// The text of a value, with its variables substituted if possible.
std::optional<std::string> TreeLoader::text_of(const Node* value, const Environment& environment) const {
  if (!value || !value->is_string() || value->text.empty()) return std::nullopt;
  if (!options_.interpolate) return value->text;
  TemplateResult result = substitute(value->text, lookup_in(environment));
  return result.fault == TemplateFault::none ? std::optional(std::move(result.text)) : std::nullopt;
}

std::string TreeLoader::project_name(const Strings& files, const Environment& environment) {
  for (const std::string& file : std::views::reverse(files))
    for (const Node& document : std::views::reverse(*parse_file(file).documents))
      if (auto text = text_of(document.find("name"), environment)) return std::move(*text);
  return {};
}

std::string TreeLoader::top_level_value(const Strings& files, const Environment& environment, const Strings& path) {
  for (const std::string& file : files) parse_file(file);
  for (const std::string& file : std::views::reverse(files)) {
    for (const Node& document : std::views::reverse(*parse_file(file).documents)) {
      const Node* value = &document;
      bool replaces = false;  // replaces the values of earlier files
      for (const std::string& key : path) {
        value = value->find(key);
        if (!value) break;
        replaces = replaces || value->directive != Directive::none;
        if (value->directive == Directive::reset) return {};
      }
      if (auto text = text_of(value, environment)) return std::move(*text);
      if (replaces || (value && value->is_string() && value->text.empty())) return {};
    }
  }
  return {};
}

Node TreeLoader::load(const Strings& files, const std::string& base, const Environment& environment) {
  Node model = load_scope(files, Scope{environment, base, {}});
  set_defaults(model);
  check_tree(model, reporter_);
  if (options_.resolve_paths) resolve_paths(model, base, path_options(), reporter_);
  resolve_named_values(model, environment);
  return model;
}

Node TreeLoader::load_scope(const Strings& files, const Scope& scope) {
  Node model = Node::make_mapping();
  for (const std::string& file : files) {
    const Parsed& parsed = parse_file(file);
    Scope inner{scope.environment, scope.base, scope.includes};
    inner.includes.push_back(file);
    if (!model.place) model.place = Place{parsed.source, 1, 1, 0};
    for (const Node& document : *parsed.documents) {
      // The first time it counts as read, later as a copy.
      if (!counted_.insert(&document).second && !make_values(document, document.place)) break;
      const std::size_t visits = size_of(model) + size_of(document);
      if (visits > visits_left_) {
        reporter_.error("too-large", "too many documents to merge", document.place).help = "join documents into one";
        return model;
      }
      visits_left_ -= visits;
      add_document(model, document, file, inner);
    }
  }
  return model;
}

bool TreeLoader::check_top(const Node& document, const std::string& file) {
  if (document.is_mapping() && document.find("apiVersion") && document.find("kind")) {
    Diagnostic& made =
        reporter_.error("kubernetes", "validating " + file + ":  additional properties 'apiVersion' not allowed",
                        document.entry("apiVersion")->place);
    made.label = "this is a manifest of Kubernetes, not a Compose file";
    made.help = "give a Compose file with -f; a Deployment's containers become `services:`";
    return false;
  }
  if (document.is_mapping()) return true;
  if (parsed_[file].damaged) return false;  // already reported
  Diagnostic& made = reporter_.error(
      "not-a-mapping", "failed to parse " + file + ": top-level object must be a mapping", document.place);
  made.label = "a Compose file starts with keys like `services:`";
  made.help = "for example:\nservices:\n  web:\n    image: nginx";
  if (document.is_null()) {
    made.label = "this document is empty";
    made.help = "remove the `---` before it";
  }
  return false;
}

void TreeLoader::interpolate_document(Node& document, const Environment& environment) {
  if (!options_.interpolate) return;
  InterpolateOptions options;
  options.lookup = lookup_in(environment);
  options.sightings = options_.sightings;
  interpolate(document, options, reporter_);
}

void TreeLoader::add_document(Node& model, Node document, const std::string& file, const Scope& scope) {
  if (!check_top(document, file)) return;
  const Resets resets = collect_resets(document);
  interpolate_document(document, scope.environment);
  // In a merge with an earlier file it would be lost, although it is an error when it stands alone.
  const Node* services = document.find("services");
  if (services && services->is_null() && model.find("services")) {
    Diagnostic& made = reporter_.error("wrong-type", "services must be a mapping", services->place);
    made.help = "remove `services:`, or write a service below it";
  }
  apply_extends(document, file, scope, resets);
  apply_resets(model, resets);
  apply_includes(document, file, scope);
  Path at;
  merge(model, std::move(document), at, reporter_, options_.listener);
  enforce_unicity(model);
  validate(model, file, reporter_);
  if (const Entry* version = model.entry("version"); version && !version->value.is_string()) {
    model.erase("version");  // an error has already been reported for it
  } else if (version) {
    Diagnostic& made = reporter_.warning(
        "obsolete-version",
        file +
            ": the attribute `version` is obsolete, it will be ignored, please remove it to avoid potential confusion",
        version->place);
    made.label = "ignored";
    model.erase("version");
  }
  canonicalize(model, reporter_, options_.interpolate ? Parsing::strict : Parsing::lenient, ports_left_);
  enforce_unicity(model);
}

TreeLoader::Resets TreeLoader::collect_resets(Node& node) {
  Resets found;
  for (Entry& entry : node.entries) {
    Resets below;
    if (entry.value.directive != Directive::reset) below = collect_resets(entry.value);
    below.here = entry.value.directive != Directive::none;
    if (below.here || !below.below.empty()) found.below.emplace(entry.key, std::move(below));
  }
  node.entries.erase_if([](const Entry& each) { return each.value.directive == Directive::reset; });
  // List items have no name by which another file could refer to them: there, `!reset` just drops the item.
  std::erase_if(node.items, [](const Node& item) { return item.directive == Directive::reset; });
  for (Node& item : node.items) collect_resets(item);
  return found;
}

void TreeLoader::apply_resets(Node& model, const Resets& resets) {
  if (resets.below.empty() || !model.is_mapping()) return;
  model.entries.erase_if([&](const Entry& each) {
    const auto found = resets.below.find(each.key);
    return found != resets.below.end() && found->second.here;
  });
  for (const auto& [key, below] : resets.below) {
    if (Node* value = below.below.empty() ? nullptr : model.find(key)) apply_resets(*value, below);
  }
}

bool TreeLoader::make_values(std::size_t count, Place place) {
  if (too_large_) return false;
  if (count <= values_left_) {
    values_left_ -= count;
    return true;
  }
  too_large_ = true;
  Diagnostic& made = reporter_.error(
      "too-large", "the project is too large: `extends`, `include` and port ranges expand to too many values", place);
  made.label = "this makes it too large";
  made.help = "extend or include less, or split the project";
  return false;
}

}  // namespace consort::compose
