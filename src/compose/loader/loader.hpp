// Loads files into one canonical tree. For each document: interpolation, extends, include, merge, validation, long
// forms.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "compose/compose.hpp"
#include "compose/internal/reporter.hpp"
#include "compose/parsed_files.hpp"
#include "compose/passes/canonical.hpp"
#include "compose/passes/interpolate.hpp"
#include "compose/passes/merge.hpp"
#include "compose/yaml/parser.hpp"

namespace consort::compose {

using Environment = std::map<std::string, std::string>;

struct TreeOptions {
  const FileAccess& access;
  bool interpolate = true;
  bool resolve_paths = true;
  std::string home;  // for `~`
  ParsedFiles* parsed = nullptr;
  std::vector<VariableSighting>* sightings = nullptr;
  MergeListener* listener = nullptr;
};

class TreeLoader {
 public:
  TreeLoader(TreeOptions options, Sources& sources, Reporter& reporter)
      : options_(std::move(options)), sources_(sources), reporter_(reporter) {}

  // `base`: the directory that relative paths are resolved against. The result is canonical and includes defaults, but
  // may be incomplete if the reporter has errors.
  Node load(const Strings& files, const std::string& base, const Environment& environment);

  // The value of the top-level `name`; the last file takes precedence; "" if there is none. load() reuses the parsed
  // files.
  std::string project_name(const Strings& files, const Environment& environment);
  // Like project_name(), for another top-level string. Parses all files, in the order in which load() needs them.
  std::string top_level_value(const Strings& files, const Environment& environment, const Strings& path);

 private:
  struct Parsed {
    std::uint32_t source = 0;
    ParsedFiles::Documents documents = std::make_shared<const std::vector<Node>>();
    bool usable = false;
    bool damaged = false;  // a problem remained that could not be repaired
  };
  // The positions of !reset and !override in a document, as a tree because many share a prefix.
  struct Resets {
    bool here = false;
    std::map<std::string, Resets, std::less<>> below;
  };
  // The context in which a file is merged; `includes` is for detecting cycles.
  struct Scope {
    const Environment& environment;
    std::string base;
    Strings includes;  // files that led to this one
  };

  const Parsed& parse_file(const std::string& path);
  void parse(Parsed& parsed, const std::string& path);
  std::optional<std::string> text_of(const Node* value, const Environment& environment) const;
  yaml::Documents parse_repaired(std::uint32_t source);
  bool repair_once(std::uint32_t source, yaml::Documents& documents);
  void report_problem(Parsed& parsed, const yaml::Problem& problem);
  void report_bad_key(const yaml::BadKey& key);
  PathOptions path_options() const { return {options_.home, options_.access.resolve_links}; }
  Node load_scope(const Strings& files, const Scope& scope);
  void add_document(Node& model, Node document, const std::string& file, const Scope& scope);
  bool check_top(const Node& document, const std::string& file);
  void interpolate_document(Node& document, const Environment& environment);

  // extends
  struct Link {
    std::string file;
    std::string service;
    Place place;
  };
  void apply_extends(Node& document, const std::string& file, const Scope& scope, const Resets& resets);
  bool extend(Node& services, const std::string& name, const std::string& file, const Scope& scope,
              const Resets& resets, std::vector<Link>& chain);
  void report_missing(const std::string& written, const Scope& scope, Place place);
  // The path of an included or extended file; nullopt if it could not be fetched, which has been reported.
  std::optional<std::string> path_of(const std::string& written, const Scope& scope, Place place);
  const Node* base_services(const std::string& path, const Node& written, const Scope& scope, std::vector<Link>& chain);
  static void reset_service(Node& base, const std::string& name, const Resets& resets);
  void report_cycle(const std::vector<Link>& chain, const Link& last);

  // include
  void apply_includes(Node& document, const std::string& file, const Scope& scope);
  void include_one(Node& document, const Node& item, const std::string& file, const Scope& scope,
                   std::set<std::string>& imported);
  void import(Node& document, Node included, std::set<std::string>& imported);

  static Resets collect_resets(Node& node);
  static void apply_resets(Node& model, const Resets& resets);

  // Limits the number of values derived from others: extended services, files included repeatedly, ports of a range.
  // False if there are too many; reported once, at `place`.
  bool make_values(std::size_t count, Place place);
  // As many as `like` has; once the limit is exceeded, counting stops.
  bool make_values(const Node& like, Place place) { return !too_large_ && make_values(size_of(like), place); }

  TreeOptions options_;
  Sources& sources_;  // also used by the reporter to look up lines
  Reporter& reporter_;
  bool too_large_ = false;
  std::size_t values_left_ = 300'000;     // values that may still be derived; more for large files
  std::size_t ports_left_ = 66'000;       // ports that ranges may still expand to: all ports of one machine
  std::size_t visits_left_ = 10'000'000;  // values that passes over the merged tree may still visit
  std::set<const Node*> counted_;         // documents already used once
  std::map<std::string, Parsed> parsed_;
  std::map<std::string, std::unique_ptr<Node>> extended_;  // extended services, by path
};

// In-memory repairs that allow the remaining text to be checked. Both report what they find, with fixes. True if the
// text of the source was changed and must be parsed again. `skip`: how many applicable repairs have already been tried
// without success.
bool repair_syntax(Sources& sources, std::uint32_t source, const yaml::Problem& problem, int skip, Reporter& reporter);
bool repair_structure(Sources& sources, std::uint32_t source, const Node& document, Reporter& reporter);

}  // namespace consort::compose
