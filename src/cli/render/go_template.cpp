#include "cli/render/go_template.hpp"

#include <algorithm>
#include <map>

#include "base/narrow.hpp"
#include "base/strings.hpp"
#include "cli/render/go_template_parse.hpp"

namespace consort::cli {

namespace {

using namespace go_template;

constexpr std::size_t output_limit = 64 << 20;

Error broken(const std::string& why) {
  return Error(Code::invalid, "template: :1: " + why);
}

// Truth as in Go: false, 0, nil and empty values are false.
bool is_true(const Json& value) {
  if (value.is_null()) return false;
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number()) return value.get<double>() != 0;
  if (value.is_string()) return !value.get_ref<const std::string&>().empty();
  return !value.empty();
}

// As fmt.Print shows it: "[a b]", "map[a:1 b:2]", "<no value>".
std::string printed(const Json& value) {
  if (value.is_null()) return "<no value>";
  if (value.is_string()) return value.get<std::string>();
  if (value.is_array()) {
    std::vector<std::string> parts;
    for (const Json& each : value) parts.push_back(printed(each));
    return "[" + join(parts, " ") + "]";
  }
  if (!value.is_object()) return dump_json(value);
  std::map<std::string, std::string> sorted;
  for (const auto& [key, each] : value.items()) sorted[key] = printed(each);
  std::vector<std::string> parts;
  for (const auto& [key, each] : sorted) parts.push_back(key + ":" + each);
  return "map[" + join(parts, " ") + "]";
}

int compare(const Json& a, const Json& b) {
  if (a.is_number() && b.is_number()) {
    const double x = a.get<double>(), y = b.get<double>();
    return x < y ? -1 : x > y ? 1 : 0;
  }
  const std::string x = printed(a), y = printed(b);
  return x < y ? -1 : x > y ? 1 : 0;
}

Result<Json> index_of(const std::vector<Json>& arguments) {
  if (arguments.empty()) return fail(broken("index: missing argument"));
  Json value = arguments[0];
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const Json& key = arguments[i];
    if (value.is_array() && key.is_number_integer()) {
      const auto at = key.get<std::int64_t>();
      if (at < 0 || static_cast<std::size_t>(at) >= value.size())
        return fail(broken("error calling index: reflect: slice index out of range"));
      value = Json(value[static_cast<std::size_t>(at)]);
    } else if (value.is_object() && key.is_string()) {
      const Json* found = find_key(value, key.get_ref<const std::string&>());
      value = found ? Json(*found) : Json("");
    } else {
      return fail(broken("error calling index: can't index item of type " + std::string(value.type_name())));
    }
  }
  return value;
}

// Formats like "%s: %d\n" with the arguments; supports %v, %s, %d, %q and %%.
std::string formatted(const std::vector<Json>& arguments) {
  const std::string format = printed(arguments[0]);
  std::string out;
  std::size_t next = 1;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 >= format.size()) {
      out += format[i];
      continue;
    }
    const char verb = format[++i];
    if (verb == '%')
      out += '%';
    else if (next >= arguments.size())
      out += std::string("%!") + verb + "(MISSING)";
    else if (verb == 'q')
      out += dump_json(Json(printed(arguments[next++])));
    else
      out += printed(arguments[next++]);
  }
  return out;
}

Json without_empty_ends(const std::string& text) {
  return Json(std::string(trim(text)));
}

std::string titled(std::string text) {
  bool begins = true;
  for (char& c : text) {
    if (begins && c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    begins = c == ' ';
  }
  return text;
}

Result<Json> call(const std::string& name, const std::vector<Json>& arguments) {
  const std::size_t count = arguments.size();
  const auto text = [&](std::size_t i) { return i < count ? printed(arguments[i]) : std::string(); };
  if (name == "index") return index_of(arguments);
  if (name == "print" || name == "println") {
    std::vector<std::string> parts;
    for (const Json& each : arguments) parts.push_back(printed(each));
    return Json(join(parts, " ") + (name == "println" ? "\n" : ""));
  }
  if (count == 0) return fail(broken("wrong number of args for " + name + ": want at least 1 got 0"));
  if (name == "json") return Json(dump_json(arguments[0]));
  if (name == "len") return Json(arguments[0].is_string() ? text(0).size() : arguments[0].size());
  if (name == "lower") return Json(to_lower(text(0)));
  if (name == "upper") return Json(to_upper(text(0)));
  if (name == "title") return Json(titled(text(0)));
  if (name == "trim") return without_empty_ends(text(0));
  if (name == "printf") return Json(formatted(arguments));
  if (name == "html" || name == "js" || name == "urlquery") return Json(text(0));
  if (name == "not") return Json(!is_true(arguments[0]));
  if (name == "and" || name == "or") {
    for (const Json& each : arguments)
      if (is_true(each) == (name == "or")) return each;
    return arguments.back();
  }
  if (count < 2) return fail(broken("wrong number of args for " + name + ": want at least 2 got 1"));
  if (name == "eq")
    return Json(std::any_of(arguments.begin() + 1, arguments.end(),
                            [&](const Json& each) { return compare(arguments[0], each) == 0; }));
  if (name == "ne") return Json(compare(arguments[0], arguments[1]) != 0);
  if (name == "lt") return Json(compare(arguments[0], arguments[1]) < 0);
  if (name == "le") return Json(compare(arguments[0], arguments[1]) <= 0);
  if (name == "gt") return Json(compare(arguments[0], arguments[1]) > 0);
  if (name == "ge") return Json(compare(arguments[0], arguments[1]) >= 0);
  if (name == "split")
    return Json(arguments[1].is_string() && !text(1).empty() ? split(text(0), text(1)[0])
                                                             : std::vector<std::string>{text(0)});
  if (name == "join") {
    std::vector<std::string> parts;
    for (const Json& each : arguments[0]) parts.push_back(printed(each));
    return Json(join(parts, text(1)));
  }
  if (name == "truncate" || name == "pad")
    return Json(text(0).substr(0, saturated<std::size_t>(parse_unsigned(text(1)).value_or(0))));
  return fail(broken("function \"" + name + "\" not defined"));
}

class Run {
 public:
  explicit Run(const Json& root) { variables_["$"] = root; }

  Result<> nodes(const std::vector<Node>& list, const Json& dot) {
    for (const Node& node : list) {
      TRY(one(node, dot));
      if (out_.size() > output_limit) return fail(broken("too much output"));
    }
    return {};
  }
  std::string take() { return std::move(out_); }

 private:
  Result<> one(const Node& node, const Json& dot) {
    if (node.kind == Node::Kind::text) {
      out_ += node.text;
      return {};
    }
    const Json value = TRY(pipeline(node.pipeline, dot));
    if (node.kind == Node::Kind::print) {
      if (node.pipeline.variables.empty()) out_ += printed(value);
      return {};
    }
    if (node.kind == Node::Kind::range) return each(node, value, dot);
    if (!is_true(value)) return nodes(node.otherwise, dot);
    return nodes(node.body, node.kind == Node::Kind::with ? value : dot);
  }

  Result<> each(const Node& node, const Json& values, const Json& dot) {
    if (!values.is_structured() || values.empty()) return nodes(node.otherwise, dot);
    std::map<std::string, const Json*> sorted;  // a map is iterated in the order of its keys
    std::size_t number = 0;
    if (values.is_object())
      for (const auto& [key, value] : values.items()) sorted[key] = &value;
    const auto turn = [&](const Json& key, const Json& value) -> Result<> {
      const auto& names = node.pipeline.variables;
      if (names.size() == 2) variables_[names[0]] = key;
      if (!names.empty()) variables_[names.back()] = value;
      return nodes(node.body, value);
    };
    for (const auto& [key, value] : sorted) TRY(turn(Json(key), *value));
    if (values.is_array())
      for (const Json& value : values) TRY(turn(Json(number++), value));
    return {};
  }

  Result<Json> pipeline(const Pipeline& pipe, const Json& dot) {
    Json value;
    bool piped = false;
    for (const Command& each : pipe.commands) {
      value = TRY(command(each, dot, piped ? &value : nullptr));
      piped = true;
    }
    if (pipe.variables.size() == 1) variables_[pipe.variables[0]] = value;
    return value;
  }

  Result<Json> command(const Command& words, const Json& dot, const Json* piped) {
    if (words[0].kind != Term::Kind::function) {
      // As a method, `.Label "x"` exists only for the tables of `docker ps`.
      if (words.size() > 1) return fail(broken("can't give argument to non-function"));
      return operand(words[0], dot);
    }
    std::vector<Json> arguments;
    for (std::size_t i = 1; i < words.size(); ++i) arguments.push_back(TRY(operand(words[i], dot)));
    if (piped) arguments.push_back(*piped);
    return call(words[0].text, arguments);
  }

  Result<Json> operand(const Term& term, const Json& dot) {
    switch (term.kind) {
      case Term::Kind::dot:
        return follow(dot, term.fields);
      case Term::Kind::variable: {
        const auto found = variables_.find(term.text);
        if (found == variables_.end()) return fail(broken("undefined variable \"" + term.text + "\""));
        return follow(found->second, term.fields);
      }
      case Term::Kind::text:
        return Json(term.text);
      case Term::Kind::number:
        return Json(parse_signed(term.text).value_or(0));
      case Term::Kind::boolean:
        return Json(term.truth);
      case Term::Kind::nil:
        return Json(nullptr);
      case Term::Kind::group:
        return follow(TRY(pipeline(*term.group, dot)), term.fields);
      case Term::Kind::function:
        return call(term.text, {});
    }
    return Json();
  }

  static Result<Json> follow(Json value, const std::vector<std::string>& fields) {
    for (const std::string& field : fields) {
      const Json* found = find_key(value, field);
      if (!found && !value.is_object())
        return fail(
            broken("executing \"\" at <." + join(fields, ".") + ">: nil data; no entry for key \"" + field + "\""));
      if (!found)
        return fail(
            broken("executing \"\" at <." + join(fields, ".") + ">: map has no entry for key \"" + field + "\""));
      Json next = *found;
      value = std::move(next);
    }
    return value;
  }

  std::map<std::string, Json> variables_;
  std::string out_;
};

}  // namespace

Result<std::string> run_template(std::string_view text, const Json& data) {
  const std::vector<Node> nodes = TRY(parse(text));
  Run run(data);
  TRY(run.nodes(nodes, data));
  return run.take();
}

}  // namespace consort::cli
