#include "compose/loader/loader.hpp"

#include <algorithm>
#include <utility>

#include "base/os/file.hpp"
#include "base/strings.hpp"
#include "compose/passes/canonical.hpp"
#include "compose/passes/validate.hpp"
#include "compose/template.hpp"

namespace consort::compose {

namespace {

constexpr int repair_limit = 40;                                 // rounds of repair and parsing again
constexpr std::size_t repair_size_limit = std::size_t{1} << 20;  // larger texts are not written by hand

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

void TreeLoader::report_problem(Parsed& parsed, const yaml::Documents& documents) {
  const yaml::Problem& problem = *documents.problem;
  const Source& source = *sources_.get(parsed.source);
  std::string message = "failed to parse " + source.path() + ": yaml: ";
  if (problem.at.line > 0 || !problem.context.empty()) message += "line " + std::to_string(problem.at.line + 1) + ": ";
  Diagnostic& made = reporter_.error("yaml-syntax", message + problem.problem, place_of(parsed.source, problem.at));
  made.label = problem.problem;
  if (!problem.context.empty()) made.help = problem.context;
  if (problem.problem.starts_with("unknown anchor")) {
    made.help =
        "an alias `*name` needs an anchor `&name` on an earlier value of the same file; a literal `*` needs quotes";
  } else if (problem.problem == "found unknown escape character") {
    made.help = "in double quotes a backslash starts an escape: write \\\\, or use single quotes";
  } else if (problem.problem.starts_with("map merge")) {
    made.help = "`<<` takes an alias of a mapping: `<<: *name`";
  }
  if (problem.context_at.line != problem.at.line && !problem.context.empty()) {
    made.related.push_back(reporter_.related(place_of(parsed.source, problem.context_at), problem.context));
  }
}

// Parses, repairs what can be repaired, parses again. A repair that brings the parser no further is taken back.
yaml::Documents TreeLoader::parse_repaired(std::uint32_t source) {
  yaml::Documents documents = yaml::parse(sources_.get(source)->text(), source);
  if (sources_.get(source)->text().size() > repair_size_limit) return documents;
  for (int round = 0; round < repair_limit; ++round) {
    const Source before = *sources_.get(source);
    const std::size_t reports = reporter_.count();
    bool repaired = false;
    if (documents.problem) {
      repaired = repair_syntax(sources_, source, *documents.problem, reporter_);
    } else {
      for (const Node& document : documents.roots) {
        repaired = repaired || repair_structure(sources_, source, document, reporter_);
      }
    }
    if (!repaired) break;
    yaml::Documents next = yaml::parse(sources_.get(source)->text(), source);
    if (next.problem && documents.problem && next.problem->at.line <= documents.problem->at.line) {
      const bool certain = reporter_.diagnostics().back().fixes.at(0).certainty == Certainty::certain;
      if (!certain || next.problem->at.line < documents.problem->at.line) {
        *sources_.get(source) = before;
        reporter_.rewind(reports);
        break;
      }
    }
    documents = std::move(next);
  }
  return documents;
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
  parsed.source = sources_.add(path, std::move(*text));
  yaml::Documents documents = parse_repaired(parsed.source);
  if (documents.problem) report_problem(parsed, documents);
  for (const yaml::Duplicate& each : documents.duplicates) {
    Diagnostic& made =
        reporter_.error("duplicate-key",
                        "failed to parse " + path + ": line " + std::to_string(each.second.line) + ": mapping key \"" +
                            each.key + "\" already defined at line " + std::to_string(each.first.line),
                        each.second);
    made.label = "`" + each.key + "` again";
    made.help = "a key can stand only once in a mapping; join the two or remove one";
    made.related.push_back(reporter_.related(each.first, "first defined here"));
  }
  for (const yaml::BadKey& each : documents.bad_keys) {
    Diagnostic& made = reporter_.error("bad-key", "non-string key: " + each.text, each.place);
    made.label = "keys must be strings";
    made.help = "put it in quotes: \"" + each.text + "\"";
    made.fixes.push_back(
        Fix{"put it in quotes", Certainty::certain, {reporter_.edit(each.place, "\"" + each.text + "\"")}});
  }
  parsed.documents = std::move(documents.roots);
  parsed.usable = true;
  return parsed;
}

std::string TreeLoader::project_name(const Strings& files, const Environment& environment) {
  for (auto file = files.rbegin(); file != files.rend(); ++file) {
    const Parsed& parsed = parse_file(*file);
    for (auto document = parsed.documents.rbegin(); document != parsed.documents.rend(); ++document) {
      const Node* name = document->find("name");
      if (!name || !name->is_string() || name->text.empty()) continue;
      if (!options_.interpolate) return name->text;
      const TemplateResult result = substitute(name->text, lookup_in(environment));
      if (result.fault == TemplateFault::none) return result.text;
    }
  }
  return {};
}

Node TreeLoader::load(const Strings& files, const std::string& base, const Environment& environment) {
  Node model = load_scope(files, Scope{environment, base, {}});
  set_defaults(model);
  check_tree(model, reporter_);
  if (options_.resolve_paths) resolve_paths(model, base, path_options());
  return model;
}

Node TreeLoader::load_scope(const Strings& files, const Scope& scope) {
  Node model = Node::make_mapping();
  for (const std::string& file : files) {
    const Parsed& parsed = parse_file(file);
    Scope inner{scope.environment, scope.base, scope.includes};
    inner.includes.push_back(file);
    if (!model.place) model.place = Place{parsed.source, 1, 1, 0};
    for (const Node& document : parsed.documents) {
      if (document.is_null()) continue;
      any_document_ = true;
      add_document(model, document, file, inner);
    }
  }
  return model;
}

bool TreeLoader::check_top(const Node& document, const std::string& file) {
  if (document.is_mapping()) return true;
  Diagnostic& made = reporter_.error(
      "not-a-mapping", "failed to parse " + file + ": top-level object must be a mapping", document.place);
  made.label = "a Compose file starts with keys like `services:`";
  made.help = "for example:\nservices:\n  web:\n    image: nginx";
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
  std::vector<Reset> resets;
  std::vector<std::string> path;
  collect_resets(document, path, resets);
  interpolate_document(document, scope.environment);
  apply_extends(document, file, scope, resets);
  apply_resets(model, resets);
  apply_includes(document, file, scope);
  Path at;
  merge(model, std::move(document), at, reporter_, options_.listener);
  enforce_unicity(model);
  const std::size_t before = reporter_.errors();
  validate(model, file, reporter_);
  (void)before;
  if (const Entry* version = model.entry("version")) {
    Diagnostic& made = reporter_.warning(
        "obsolete-version",
        file +
            ": the attribute `version` is obsolete, it will be ignored, please remove it to avoid potential confusion",
        version->place);
    made.label = "ignored";
    model.erase("version");
  }
  canonicalize(model, reporter_, options_.interpolate ? Parsing::strict : Parsing::lenient);
  enforce_unicity(model);
}

void TreeLoader::collect_resets(Node& node, std::vector<std::string>& path, std::vector<Reset>& resets) {
  for (auto entry = node.entries.begin(); entry != node.entries.end();) {
    path.push_back(entry->key);
    if (entry->value.directive != Directive::none) resets.push_back(Reset{path});
    const bool drop = entry->value.directive == Directive::reset;
    if (!drop) collect_resets(entry->value, path, resets);
    path.pop_back();
    entry = drop ? node.entries.erase(entry) : entry + 1;
  }
  std::size_t index = 0;
  for (auto item = node.items.begin(); item != node.items.end(); ++index) {
    path.push_back(std::to_string(index));
    const bool drop = item->directive == Directive::reset;
    if (!drop) collect_resets(*item, path, resets);
    path.pop_back();
    item = drop ? node.items.erase(item) : item + 1;
  }
}

void TreeLoader::apply_resets(Node& model, const std::vector<Reset>& resets) {
  for (const Reset& reset : resets) {
    Node* node = &model;
    for (std::size_t i = 0; node && i + 1 < reset.path.size(); ++i) node = node->find(reset.path[i]);
    if (node && !reset.path.empty()) node->erase(reset.path.back());
  }
}

}  // namespace consort::compose
