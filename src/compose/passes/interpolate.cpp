#include "compose/passes/interpolate.hpp"

#include <algorithm>

#include "base/strings.hpp"
#include "compose/internal/go_format.hpp"
#include "compose/internal/path_table.hpp"

namespace consort::compose {

namespace {

constexpr std::size_t sightings_limit = 100'000;
constexpr std::size_t sightings_bytes_limit = std::size_t{8} << 20;
constexpr std::size_t text_limit = std::size_t{32} << 20;  // bytes that the variables of one document may add

enum class Cast : std::uint8_t { none, integer, floating, boolean };

const PathTable<Cast>& casts() {
  static const PathTable<Cast> table{
      {"services.*.cpu_count", Cast::integer},
      {"services.*.cpu_percent", Cast::floating},
      {"services.*.cpu_period", Cast::integer},
      {"services.*.cpu_quota", Cast::integer},
      {"services.*.cpu_rt_period", Cast::integer},
      {"services.*.cpu_rt_runtime", Cast::integer},
      {"services.*.cpus", Cast::floating},
      {"services.*.cpu_shares", Cast::integer},
      {"services.*.init", Cast::boolean},
      {"services.*.depends_on.*.required", Cast::boolean},
      {"services.*.depends_on.*.restart", Cast::boolean},
      {"services.*.deploy.replicas", Cast::integer},
      {"services.*.deploy.update_config.parallelism", Cast::integer},
      {"services.*.deploy.update_config.max_failure_ratio", Cast::floating},
      {"services.*.deploy.rollback_config.parallelism", Cast::integer},
      {"services.*.deploy.rollback_config.max_failure_ratio", Cast::floating},
      {"services.*.deploy.restart_policy.max_attempts", Cast::integer},
      {"services.*.deploy.placement.max_replicas_per_node", Cast::integer},
      {"services.*.healthcheck.retries", Cast::integer},
      {"services.*.healthcheck.disable", Cast::boolean},
      {"services.*.oom_kill_disable", Cast::boolean},
      {"services.*.oom_score_adj", Cast::integer},
      {"services.*.pids_limit", Cast::integer},
      {"services.*.ports.[].target", Cast::integer},
      {"services.*.privileged", Cast::boolean},
      {"services.*.read_only", Cast::boolean},
      {"services.*.scale", Cast::integer},
      {"services.*.stdin_open", Cast::boolean},
      {"services.*.tty", Cast::boolean},
      {"services.*.triggers.manual", Cast::boolean},
      {"services.*.ulimits.*", Cast::integer},
      {"services.*.ulimits.*.hard", Cast::integer},
      {"services.*.ulimits.*.soft", Cast::integer},
      {"services.*.volumes.[].read_only", Cast::boolean},
      {"services.*.volumes.[].volume.nocopy", Cast::boolean},
      {"networks.*.external", Cast::boolean},
      {"networks.*.internal", Cast::boolean},
      {"networks.*.attachable", Cast::boolean},
      {"networks.*.enable_ipv4", Cast::boolean},
      {"networks.*.enable_ipv6", Cast::boolean},
      {"volumes.*.external", Cast::boolean},
      {"secrets.*.external", Cast::boolean},
      {"configs.*.external", Cast::boolean},
  };
  return table;
}

class Pass {
 public:
  Pass(const InterpolateOptions& options, Reporter& reporter) : options_(options), reporter_(reporter) {}

  void walk(Node& node, PathTable<Cast>::Cursor cursor) {
    switch (node.kind) {
      case Kind::mapping:
        for (Entry& entry : node.entries) {
          PathStep step(path_, entry.key);
          walk(entry.value, cursor.child(entry.key));
        }
        break;
      case Kind::sequence:
        for (Node& item : node.items) {
          PathStep step(path_, "[]");
          walk(item, cursor.item());
        }
        break;
      case Kind::string: {
        if (node.text.find('$') != std::string::npos && !expand(node)) return;
        if (const Cast* cast = cursor.value()) convert(node, *cast);
        break;
      }
      default:
        break;
    }
  }

 private:
  bool expand(Node& node) {
    if (made_ > text_limit) return false;
    TemplateResult result = substitute(node.text, options_.lookup);
    made_ += result.text.size();
    if (made_ > text_limit && result.fault == TemplateFault::none) {
      result.fault = TemplateFault::too_long;
      result.fault_text = "variables expand this file to more than " + std::to_string(text_limit >> 20) + " MiB";
    }
    note(result, node);
    if (result.fault == TemplateFault::none) {
      node.text = std::move(result.text);
      return true;
    }
    report_fault(result, node);
    return false;
  }

  void note(TemplateResult& result, const Node& node) {
    if (options_.sightings && options_.sightings->size() < sightings_limit && noted_ < sightings_bytes_limit) {
      const std::string path = path_.dotted();
      for (TemplateUse& use : result.uses) {
        noted_ += sizeof(VariableSighting) + path.size() + use.name.size() + use.word.size();
        if (options_.sightings->size() >= sightings_limit || noted_ > sightings_bytes_limit) break;
        options_.sightings->push_back(VariableSighting{std::move(use), path, node.place});
      }
    }
    for (const std::string& name : result.unset) {
      if (reporter_.full()) break;
      Diagnostic& made = reporter_.warning(
          "unset-variable", "The \"" + name + "\" variable is not set. Defaulting to a blank string.", node.place);
      made.label = "used here, in " + path_.dotted();
      made.help = "give it a value in .env or in the environment, or write ${" + name +
                  ":-default}; a literal `$` is written `$$`";
    }
  }

  void report_fault(const TemplateResult& result, const Node& node) {
    const std::string path = path_.dotted();
    if (result.fault == TemplateFault::too_long) {
      reporter_.error("too-large", "error while interpolating " + path + ": " + result.fault_text, node.place);
      return;
    }
    if (result.fault == TemplateFault::required) {
      Diagnostic& made = reporter_.error("required-variable",
                                         "error while interpolating " + path + ": " + result.fault_text, node.place);
      made.label = "needs " + result.fault_name;
      made.help = "set " + result.fault_name + " in .env or in the environment";
      return;
    }
    Diagnostic& made = reporter_.error(
        "invalid-interpolation",
        "invalid interpolation format for " + path + ".\nYou may need to escape any $ with another $.\n" + node.text,
        node.place);
    explain_fault(made, node, result.fault_offset);
    if (const std::size_t assign = node.text.find(":="); assign != std::string::npos) {
      made.help = "write `:-` instead of `:=`\n" + made.help;
    }
  }

  void explain_fault(Diagnostic& made, const Node& node, std::size_t offset) {
    const std::string wrong = node.text.substr(offset, 30);
    made.label = "this is not a variable: " + wrong;
    made.help = "write ${NAME}, ${NAME:-default} or ${NAME:?message}; a literal `$` is written `$$`";
    const auto name_end =
        node.text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789", offset + 2);
    const auto open = std::ranges::count(node.text, '{');
    const auto closed = std::ranges::count(node.text, '}');
    if (open > closed && (name_end == std::string::npos || open > 1)) {
      made.label = "`}` is missing";
      const std::string right = node.text + std::string(static_cast<std::size_t>(open - closed), '}');
      made.help = "write " + right;
      if (node.style == Style::plain && node.place.length > 0) {
        made.fixes.push_back(Fix{"close the brace", Certainty::guess, {reporter_.edit(node.place, right)}});
      }
    } else if (wrong.starts_with("${}")) {
      made.label = "the name is missing";
    } else if (name_end != std::string::npos && name_end > offset + 2 && node.text[name_end] == '.') {
      made.label = "a variable's name has no `.`";
      made.help = "names consist of letters, digits and `_`\n" + made.help;
    }
  }

  void fail_cast(const Node& node, std::string_view wanted) {
    Diagnostic& made = reporter_.error(
        "bad-cast", "error while interpolating " + path_.dotted() + ": failed to cast to expected type: " + node.text,
        node.place);
    made.label = "must be " + std::string(wanted);
    made.help = std::string("for example: ") + (wanted == "a number" ? "1.5" : "2");
  }

  void convert(Node& node, Cast cast) {
    switch (cast) {
      case Cast::none:
        return;
      case Cast::integer:
        if (const auto value = parse_decimal_int(node.text)) {
          node = Node::make_integer(*value, node.place);
        } else {
          fail_cast(node, "a whole number");
        }
        return;
      case Cast::floating:
        if (const auto value = parse_go_float(node.text)) {
          node = Node::make_floating(*value, node.place);
        } else {
          fail_cast(node, "a number");
        }
        return;
      case Cast::boolean:
        convert_boolean(node);
        return;
    }
  }

  void convert_boolean(Node& node) {
    const std::string word = to_lower(node.text);
    const bool yes = word == "true" || word == "y" || word == "yes" || word == "on";
    const bool no = word == "false" || word == "n" || word == "no" || word == "off";
    if (!yes && !no) {
      Diagnostic& made = reporter_.error("bad-cast",
                                         "error while interpolating " + path_.dotted() +
                                             ": failed to cast to expected type: invalid boolean: " + node.text,
                                         node.place);
      made.label = "must be true or false";
      made.help = "write true or false";
      return;
    }
    if (word != "true" && word != "false") {
      const std::string right = yes ? "true" : "false";
      Diagnostic& made = reporter_.warning(
          "old-boolean", "\"" + node.text + "\" for boolean is not supported by YAML 1.2, please use `" + right + "`",
          node.place);
      made.label = "write " + right;
      made.fixes.push_back(Fix{"write `" + right + "`", Certainty::certain, {reporter_.edit(node.place, right)}});
    }
    node = Node::make_boolean(yes, node.place);
  }

  const InterpolateOptions& options_;
  Reporter& reporter_;
  Path path_;
  std::size_t made_ = 0;   // bytes produced by substitution
  std::size_t noted_ = 0;  // bytes of recorded sightings
};

}  // namespace

void interpolate(Node& root, const InterpolateOptions& options, Reporter& reporter) {
  Pass(options, reporter).walk(root, casts().root());
}

}  // namespace consort::compose
