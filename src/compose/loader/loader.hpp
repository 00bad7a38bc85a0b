// Files to one canonical tree: for each document interpolation, extends, include, merge, validation, long forms.
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

  // `base`: the directory that relative paths count from. The result is canonical and has its defaults, but may be
  // incomplete when the reporter has errors.
  Node load(const Strings& files, const std::string& base, const Environment& environment);

  // The value of the top-level `name`, last file first; "" if none. Parses what load() will use again.
  std::string project_name(const Strings& files, const Environment& environment);
  // Likewise of any other text at the top level. All files are parsed, in the order in which load() needs them.
  std::string top_level_value(const Strings& files, const Environment& environment, const Strings& path);

 private:
  struct Parsed {
    std::uint32_t source = 0;
    ParsedFiles::Documents documents = std::make_shared<const std::vector<Node>>();
    bool usable = false;
    bool damaged = false;  // a problem remained that no repair could mend
  };
  // Where a document has !reset or !override: a tree, since many of them share their way.
  struct Resets {
    bool here = false;
    std::map<std::string, Resets, std::less<>> below;
  };
  // One file being merged; the chains are for cycles.
  struct Scope {
    const Environment& environment;
    std::string base;
    Strings includes;  // files on the way here
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
  // The path of a file that is included or extended; nullopt if it could not be brought here, which is told.
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

  // Values that are made from others: services that are extended, files that are included again, ports of a range.
  // False when there are too many; told once, at `place`.
  bool make_values(std::size_t count, Place place);
  // As many as `like` has; once there were too many, nobody counts any more.
  bool make_values(const Node& like, Place place) { return !too_large_ && make_values(size_of(like), place); }

  TreeOptions options_;
  Sources& sources_;  // what the reporter looks up lines in
  Reporter& reporter_;
  bool too_large_ = false;
  std::size_t values_left_ = 300'000;     // that may still be made from others; more where the files are large
  std::size_t ports_left_ = 66'000;       // that ranges may become: all of one machine
  std::size_t visits_left_ = 10'000'000;  // of values, by the passes over what is merged so far
  std::set<const Node*> counted_;         // documents that were used once
  std::map<std::string, Parsed> parsed_;
  std::map<std::string, std::unique_ptr<Node>> extended_;  // services of files that are extended, by path
};

// Repairs in memory, so that what follows can be checked too. Both report what they find, with fixes.
// True when the text of the source was changed and must be parsed again. `skip`: how many of the repairs that fit the
// problem were tried in vain.
bool repair_syntax(Sources& sources, std::uint32_t source, const yaml::Problem& problem, int skip, Reporter& reporter);
bool repair_structure(Sources& sources, std::uint32_t source, const Node& document, Reporter& reporter);

}  // namespace consort::compose
