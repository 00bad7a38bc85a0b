#include "run_config.hpp"

#include <sstream>

#include "base/sha256.hpp"

namespace consort::compose {

namespace {

struct Request {
  LoadOptions load;
  std::string format = "yaml";
  std::string
      show;  // "", services, volumes, networks, profiles, images, environment, variables, hash, diagnostics, fix
  std::string hash;
};

bool take(Request& request, const std::string& flag, const std::string& value) {
  LoadOptions& load = request.load;
  if (flag == "-f" || flag == "--file")
    load.files.push_back(value);
  else if (flag == "-p" || flag == "--project-name")
    load.project_name = value;
  else if (flag == "--env-file")
    load.env_files.push_back(value);
  else if (flag == "--profile")
    load.profiles.push_back(value);
  else if (flag == "--project-directory")
    load.project_directory = value;
  else if (flag == "--format")
    request.format = value;
  else if (flag == "--hash")
    request.show = "hash", request.hash = value, load.resolve_env_files = Switch::off;
  else
    return false;
  return true;
}

bool take_switch(Request& request, const std::string& flag) {
  if (flag == "--no-interpolate")
    request.load.interpolate = Switch::off;
  else if (flag == "--no-normalize")
    request.load.normalize = Switch::off;
  else if (flag == "--no-path-resolution")
    request.load.resolve_paths = Switch::off;
  else if (flag == "--no-consistency")
    request.load.check_consistency = Switch::off;
  else if (flag == "--no-env-resolution")
    ;  // nothing that is printed depends on it
  else if (flag == "--all-resources")
    request.load.all_resources = Switch::on;
  else if (flag == "-q" || flag == "--quiet")
    request.show = "quiet";
  else if (flag.starts_with("--"))
    request.show = flag.substr(2);
  else
    return false;
  return true;
}

Request parse(const std::vector<std::string>& arguments) {
  Request request;
  bool command = false;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (word == "config" && !command) {
      command = true;
    } else if (word.starts_with("-") && i + 1 < arguments.size() && take(request, word, arguments[i + 1])) {
      ++i;
    } else if (const std::size_t equals = word.find('='); word.starts_with("--") && equals != std::string::npos) {
      take(request, word.substr(0, equals), word.substr(equals + 1));
    } else if (!word.starts_with("-") || !take_switch(request, word)) {
      request.load.services.push_back(word);
    }
  }
  return request;
}

template <class Map>
void print_keys(std::ostream& out, const Map& map) {
  for (const auto& each : map) out << each.first << '\n';
}

void show(std::ostream& out, const Request& request, const LoadOutcome& outcome, const Project& project) {
  if (request.show == "services") {
    for (const std::string& name : dependency_order(project)) out << name << '\n';
  } else if (request.show == "volumes") {
    print_keys(out, project.volumes);
  } else if (request.show == "networks") {
    print_keys(out, project.networks);
  } else if (request.show == "environment") {
    out << render_environment(project);
  } else if (request.show == "hash") {
    for (const auto& [name, service] : project.services) {
      if (request.hash == "*" || request.hash == name) {
        out << name << ' ' << consort::sha256_hex(service_hash_json(service)) << '\n';
      }
    }
  } else if (request.show == "variables") {
    for (const VariableUse& use : outcome.variables) {
      out << use.name << ' ' << (use.required ? "true" : "false") << ' ' << use.default_value << ' '
          << use.alternate_value << '\n';
    }
  } else if (request.show.empty()) {
    out << (request.format == "json" ? render_json(project) : render_yaml(project));
  }
}

}  // namespace

ConfigRun run_config(const std::vector<std::string>& arguments, const std::string& directory,
                     const std::map<std::string, std::string>& environment) {
  ConfigRun run;
  Request request = parse(arguments);
  request.load.working_directory = directory;
  request.load.environment = environment;
  request.load.advise = Switch::on;
  const LoadOutcome outcome = load(request.load);
  std::ostringstream out;
  run.err = render_diagnostics(outcome.diagnostics, Colour::never);
  if (request.show == "diagnostics") {
    run.out = diagnostics_json(outcome.diagnostics);
    return run;
  }
  if (request.show == "fix") {
    for (const auto& [path, text] : outcome.texts) run.out += apply_fixes(text, path, outcome.diagnostics);
    return run;
  }
  if (!outcome.project) {
    run.status = 1;
    return run;
  }
  if (request.load.interpolate == Switch::off && request.show.empty()) {
    run.out = request.format == "json" ? render_json(*outcome.raw_tree) : render_yaml(*outcome.raw_tree);
    return run;
  }
  const auto chosen = project_with_services(*outcome.project, request.load.services, Dependencies::include);
  if (!chosen) {
    run.err += chosen.error().message() + "\n";
    run.status = 1;
    return run;
  }
  show(out, request, outcome, *chosen);
  run.out = out.str();
  return run;
}

}  // namespace consort::compose
