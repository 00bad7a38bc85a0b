#include "build/plan/graph.hpp"

#include <algorithm>
#include <map>

#include "base/strings.hpp"
#include "build/dockerfile/mount.hpp"
#include "build/dockerfile/suggest.hpp"
#include "image/reference.hpp"

namespace consort::build {
namespace {

struct Builder {
  Graph& graph;
  const BuildRequest& request;
  char escape = '\\';
  std::map<std::string, std::size_t> by_name{};  // the names after AS, in lower case

  Error at(const Range& range, std::string why) const {
    return Error(Code::invalid).why(std::move(why)).at(mark_of(graph.file, range));
  }

  const NamedContext* named_context(const std::string& name) const {
    for (const auto& context : request.additional_contexts) {
      if (to_lower(context.name) == to_lower(name)) return &context;
      const auto wanted = image::Reference::parse(context.name);
      const auto given = image::Reference::parse(name);
      if (wanted && given && *wanted == *given) return &context;
    }
    return nullptr;
  }

  // A named context replaces a stage or an image.
  void use_context(Node& node, const NamedContext& context) const {
    constexpr std::string_view image_scheme = "docker-image://";
    const bool image = context.value.starts_with(image_scheme);
    if (image || context.value.starts_with(layout_scheme)) {
      node.base = Node::Base::image;
      node.image = image ? context.value.substr(image_scheme.size()) : context.value;
    } else {
      node.base = Node::Base::directory;
      node.directory = context.value;
    }
  }

  enum class Numbers : std::uint8_t { stages, names };  // COPY --from=0 is a stage, but a mount's from=0 is not
  Result<std::size_t> source(const std::string& name, std::size_t user, const Range& range, Numbers numbers) {
    const auto own = to_lower(name);
    if (const auto number = parse_unsigned(name); number && numbers == Numbers::stages) {
      const auto stages =
          static_cast<std::size_t>(std::ranges::count_if(graph.nodes, [](const Node& node) { return !node.implicit; }));
      if (*number >= stages) return fail(at(range, "invalid stage index " + name));
      return checked(static_cast<std::size_t>(*number), user, range);
    }
    if (const auto found = by_name.find(own); found != by_name.end()) return checked(found->second, user, range);
    Node node;
    node.implicit = true;
    node.name = node.image = name;
    node.range = range;
    node.base = own == "scratch" ? Node::Base::scratch : Node::Base::image;
    if (const auto* context = named_context(name)) use_context(node, *context);
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
      if (graph.nodes[i].implicit && graph.nodes[i].name == node.name) return i;
    }
    graph.nodes.push_back(std::move(node));
    return graph.nodes.size() - 1;
  }

  Result<std::size_t> checked(std::size_t found, std::size_t user, const Range& range) const {
    if (found == user) return fail(at(range, "circular dependency detected on stage: " + graph.nodes[user].name));
    return found;  // a later stage is an error only if it is needed: check_order
  }

  Result<std::vector<std::optional<std::size_t>>> sources_of(const Step& step, std::size_t user) {
    std::vector<std::optional<std::size_t>> found;
    if (const auto* copy = std::get_if<CopyCommand>(&step.command)) {
      if (copy->from.empty()) return found;
      const auto nothing = [](std::string_view) -> std::optional<std::string> { return std::nullopt; };
      const auto expanded = expand(copy->from, nothing, {.escape = escape});
      if (!expanded || expanded->text != copy->from) {
        return fail(at(step.range,
                       "variable expansion is not supported for --from, define a new stage with FROM using ARG from "
                       "global scope as a workaround"));
      }
      found.emplace_back(TRY(source(copy->from, user, step.range, Numbers::stages)));
    } else if (const auto* run = std::get_if<RunCommand>(&step.command)) {
      for (const auto& mount : run->mounts) {
        auto from = mount_source(mount);
        if (!from) return fail(dockerfile_error(graph.file, step.range, from.error().message()));
        found.emplace_back(std::nullopt);
        if (!from->empty()) found.back() = TRY(source(*from, user, step.range, Numbers::names));
      }
    }
    return found;
  }

  void reach(std::size_t index) {
    Node& node = graph.nodes[index];
    if (node.reachable) return;
    node.reachable = true;
    if (node.base == Node::Base::stage) reach(node.parent);
    for (const auto& step : graph.nodes[index].sources) {
      for (const auto& source : step) {
        if (source) reach(*source);
      }
    }
  }
};

Variables platform_args(const image::Platform& target, const BuildRequest& request, const std::string& stage) {
  Variables args;
  const auto put = [&](const std::string& prefix, const image::Platform& platform) {
    args.set(prefix + "PLATFORM", platform.text());
    args.set(prefix + "OS", platform.os);
    args.set(prefix + "OSVERSION", "");
    args.set(prefix + "ARCH", platform.architecture);
    args.set(prefix + "VARIANT", platform.variant);
  };
  put("BUILD", image::Platform::host());
  put("TARGET", target);
  args.set("TARGETSTAGE", stage);
  for (const auto& name : args.names()) {
    if (const auto given = request.args.find(name); given != request.args.end()) args.set(name, given->second);
  }
  return args;
}

enum class Given : std::uint8_t { build_args, defaults_only };

Result<> add_meta_args(Variables& args, const BuildFile& file, const BuildRequest& request, char escape,
                       const std::string& name, Given given_args) {
  for (const auto& meta : file.meta_args) {
    for (const auto& definition : meta.command.definitions) {
      const auto given = request.args.find(definition.key);
      if (given != request.args.end() && given_args == Given::build_args) {
        args.set(definition.key, given->second);
      } else if (definition.value) {
        auto value = expand(*definition.value, args.lookup(), {.escape = escape});
        if (!value) return fail(dockerfile_error(name, meta.range, value.error().message()));
        args.set(definition.key, std::move(value->text));
      }
    }
  }
  return {};
}

void check_from_args(const Expansion& expansion, const Variables& args, const BuildFile& file, const Range& range,
                     Checks& checks) {
  for (const auto& name : expansion.missing) {
    bool declared = false;
    for (const auto& meta : file.meta_args)
      for (const auto& definition : meta.command.definitions) declared = declared || definition.key == name;
    if (declared) continue;
    const auto near = suggestion(name, args.names());
    checks.add(Rule::undefined_arg_in_from, range,
               "FROM argument '" + name + "' is not declared" + (near ? " (did you mean " + *near + "?)" : ""));
  }
}

Result<> set_platform(Node& node, const Stage& stage, const Graph& graph, const BuildFile& file, char escape,
                      Checks& checks) {
  if (stage.platform.empty()) return {};
  auto expanded = expand(stage.platform, graph.global_args.lookup(), {.escape = escape});
  if (!expanded)
    return fail(dockerfile_error(
        graph.file, stage.range,
        "failed to process arguments for platform " + stage.platform + ": " + expanded.error().message()));
  check_from_args(*expanded, graph.global_args, file, stage.range, checks);
  if (expanded->used.size() == 1 && expanded->missing.empty() && expanded->used.contains("TARGETPLATFORM") &&
      expanded->text == graph.global_args.get("TARGETPLATFORM")) {
    checks.add(
        Rule::redundant_target_platform, stage.range,
        "Setting platform to predefined " + stage.platform + " in FROM is redundant as this is the default behavior");
  }
  if (expanded->text.empty()) {
    return fail(Error(Code::invalid)
                    .why("empty platform value from expression " + stage.platform)
                    .at(mark_of(graph.file, stage.range)));
  }
  auto platform = image::Platform::parse(expanded->text);
  if (!platform) {
    return fail(dockerfile_error(graph.file, stage.range,
                                 "failed to parse platform " + stage.platform + ": " + platform.error().message()));
  }
  const bool constant = expanded->used.empty() && expanded->missing.empty();
  if (constant && !stage.name.contains(platform->os) && !stage.name.contains(platform->architecture)) {
    checks.add(Rule::from_platform_flag_const_disallowed, stage.range,
               "FROM --platform flag should not use constant value \"" + expanded->text + "\"");
  }
  node.platform = *platform;
  return {};
}

void check_default_bases(const BuildFile& file, const BuildRequest& request, const Variables& platform, char escape,
                         const std::string& name, Checks& checks) {
  Variables defaults = platform;
  if (!add_meta_args(defaults, file, request, escape, name, Given::defaults_only)) return;
  for (const auto& stage : file.stages) {
    const auto base = expand(stage.base, defaults.lookup(), {.escape = escape});
    if (!base || !image::Reference::parse(base->text)) {
      checks.add(Rule::invalid_default_arg_in_from, stage.range,
                 "Default value for ARG " + stage.base + " results in empty or invalid base image name");
    }
  }
}

Result<> add_stage(Builder& builder, const BuildFile& file, Stage& stage, std::size_t index, Checks& checks) {
  Graph& graph = builder.graph;
  auto base = expand(stage.base, graph.global_args.lookup(), {.escape = builder.escape});
  if (!base) return fail(dockerfile_error(graph.file, stage.range, base.error().message()));
  check_from_args(*base, graph.global_args, file, stage.range, checks);
  if (base->text.empty())
    return fail(dockerfile_error(graph.file, stage.range, "base name (" + stage.base + ") should not be blank"));
  Node node;
  node.name = stage.name;
  node.title = stage.name.empty() ? "stage-" + std::to_string(index) : stage.name;
  node.range = stage.range;
  node.original = stage.original;
  TRY(set_platform(node, stage, graph, file, builder.escape, checks));
  const NamedContext* own = stage.name.empty() ? nullptr : builder.named_context(stage.name);
  if (own) {
    builder.use_context(node, *own);  // replaces the whole stage
  } else {
    node.steps = std::move(stage.steps);
    const auto parent = builder.by_name.find(base->text);
    if (parent != builder.by_name.end()) {
      node.base = Node::Base::stage;
      node.parent = parent->second;
      node.platform = graph.nodes[node.parent].platform;  // as in BuildKit, which ignores its own flag then
    } else if (const NamedContext* context = builder.named_context(base->text)) {
      builder.use_context(node, *context);
    } else if (base->text != "scratch") {
      node.base = Node::Base::image;
      node.image = base->text;
    }
  }
  if (!stage.name.empty()) builder.by_name[stage.name] = graph.nodes.size();
  graph.nodes.push_back(std::move(node));
  return {};
}

Result<> check_order(const Graph& graph, std::size_t user) {
  const Node& node = graph.nodes[user];
  for (std::size_t i = 0; i < node.sources.size(); ++i) {
    for (const auto& source : node.sources[i]) {
      if (!source || *source < user || graph.nodes[*source].implicit) continue;
      const auto* copy = std::get_if<CopyCommand>(&node.steps[i].command);
      const std::string name = copy ? copy->from : graph.nodes[*source].title;
      return fail(Error(Code::invalid)
                      .why("cannot copy from stage \"" + name + "\", it needs to be defined before current stage \"" +
                           node.title + "\"")
                      .at(mark_of(graph.file, node.steps[i].range)));
    }
  }
  return {};
}

Result<std::size_t> find_target(const Graph& graph, const std::string& target, std::size_t stages) {
  if (target.empty()) return stages - 1;
  for (std::size_t i = stages; i-- > 0;) {
    if (graph.nodes[i].name == to_lower(target)) return i;
  }
  std::vector<std::string> names;
  for (std::size_t i = 0; i < stages; ++i) names.push_back(graph.nodes[i].name);
  const auto near = suggestion(target, names);
  return fail(Error(Code::invalid)
                  .why("target stage \"" + target + "\" could not be found" +
                       (near && !near->empty() ? " (did you mean " + *near + "?)" : "")));
}

}  // namespace

Result<Graph> make_graph(const Dockerfile& dockerfile, BuildFile file, const BuildRequest& request,
                         const image::Platform& platform, Checks& checks) {
  Graph graph;
  graph.file = dockerfile.file;
  graph.platform = platform;
  graph.global_args = platform_args(platform, request, request.target.empty() ? "default" : request.target);
  check_default_bases(file, request, graph.global_args, dockerfile.escape, dockerfile.file, checks);
  TRY(add_meta_args(graph.global_args, file, request, dockerfile.escape, dockerfile.file, Given::build_args));
  Builder builder{graph, request, dockerfile.escape};
  const std::size_t stages = file.stages.size();
  for (std::size_t i = 0; i < stages; ++i) TRY(add_stage(builder, file, file.stages[i], i, checks));
  graph.target = TRY(find_target(graph, request.target, stages));
  for (std::size_t i = 0; i < stages; ++i) {
    const std::vector<Step> steps = graph.nodes[i].steps;  // a copy: nodes may move while sources are added
    for (const auto& step : steps) {
      auto sources = TRY(builder.sources_of(step, i));
      graph.nodes[i].sources.push_back(std::move(sources));
    }
  }
  if (stages == 1) graph.nodes.front().title.clear();
  builder.reach(graph.target);
  // A check examines every stage, even unneeded ones, unless a single one is requested.
  const bool all = request.goal == Goal::check_only && request.target.empty();
  for (std::size_t i = 0; i < stages && all; ++i) builder.reach(i);
  for (std::size_t i = 0; i < stages; ++i) {
    if (graph.nodes[i].reachable) TRY(check_order(graph, i));
  }
  return graph;
}

Result<> prepend_triggers(Graph& graph, std::size_t index, const std::vector<std::string>& triggers,
                          const BuildRequest& request) {
  Builder builder{graph, request};
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!graph.nodes[i].implicit && !graph.nodes[i].name.empty()) builder.by_name[graph.nodes[i].name] = i;
  }
  Stage stage;
  stage.range = graph.nodes[index].range;
  std::vector<Step> steps;
  std::vector<std::vector<std::optional<std::size_t>>> sources;
  for (const auto& trigger : triggers) {
    steps.push_back(TRY(interpret_trigger(trigger, stage, graph.file)));
    sources.push_back(TRY(builder.sources_of(steps.back(), index)));
  }
  Node& node = graph.nodes[index];
  node.steps.insert(node.steps.begin(), steps.begin(), steps.end());
  node.sources.insert(node.sources.begin(), sources.begin(), sources.end());
  for (const auto& step : sources) {
    for (const auto& source : step) {
      if (source) builder.reach(*source);
    }
  }
  return {};
}

}  // namespace consort::build
