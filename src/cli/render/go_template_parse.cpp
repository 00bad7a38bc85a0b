#include "cli/render/go_template_parse.hpp"

#include <algorithm>
#include <cctype>
#include <optional>

#include "base/strings.hpp"

namespace consort::cli::go_template {

namespace {

constexpr int depth_limit = 50;
constexpr std::string_view spaces = " \t\r\n";

Error bad(const std::string& why) {
  return Error(Code::invalid, "template parsing error: template: :1: " + why);
}

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// Parses the text between {{ and }}.
class ActionParser {
 public:
  explicit ActionParser(std::string_view text) : rest_(text) {}

  Result<Pipeline> pipeline(int depth = 0) {
    if (depth > depth_limit) return fail(bad("too deep"));
    Pipeline pipeline;
    TRY(declarations(pipeline));
    do {
      Command command;
      for (skip_spaces(); !rest_.empty() && rest_[0] != '|' && rest_[0] != ')'; skip_spaces())
        command.push_back(TRY(term(depth)));
      if (command.empty()) return fail(bad("missing value for command"));
      pipeline.commands.push_back(std::move(command));
    } while (take('|'));
    return pipeline;
  }
  bool at_end() {
    skip_spaces();
    return rest_.empty();
  }
  std::string_view rest() const { return rest_; }

 private:
  void skip_spaces() { rest_.remove_prefix(std::min(rest_.find_first_not_of(spaces), rest_.size())); }
  bool take(char c) {
    skip_spaces();
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  std::string word() {
    std::size_t length = 0;
    while (length < rest_.size() && is_word(rest_[length])) ++length;
    std::string found(rest_.substr(0, length));
    rest_.remove_prefix(length);
    return found;
  }

  // Parses "$x :=" and "$i, $e :=". Anything else that starts with "$" is an operand.
  Result<> declarations(Pipeline& pipeline) {
    const std::string_view before = rest_;
    std::vector<std::string> names;
    skip_spaces();
    while (take('$')) {
      names.push_back("$" + word());
      if (!take(',')) break;
      skip_spaces();
    }
    skip_spaces();
    if (names.empty() || names.size() > 2 || !(rest_.starts_with(":=") || rest_.starts_with("= "))) {
      rest_ = before;
      return {};
    }
    rest_.remove_prefix(rest_[0] == ':' ? 2 : 1);
    pipeline.variables = std::move(names);
    return {};
  }

  std::vector<std::string> fields() {
    std::vector<std::string> names;
    while (rest_.size() > 1 && rest_[0] == '.' && is_word(rest_[1])) {
      rest_.remove_prefix(1);
      names.push_back(word());
    }
    return names;
  }

  Result<Term> term(int depth) {
    Term made;
    const char first = rest_[0];
    if (first == '.') {
      made.fields = fields();
      if (made.fields.empty()) rest_.remove_prefix(1);
      return made;
    }
    if (first == '$') {
      rest_.remove_prefix(1);
      made.kind = Term::Kind::variable;
      made.text = "$" + word();
      made.fields = fields();
      return made;
    }
    if (first == '"' || first == '`') return quoted();
    if (first == '(') return group(depth);
    if (std::isdigit(static_cast<unsigned char>(first)) != 0 || first == '-') return number();
    made.text = word();
    if (made.text.empty()) return fail(bad("unexpected \"" + std::string(1, first) + "\" in operand"));
    if (made.text == "true" || made.text == "false") {
      made.kind = Term::Kind::boolean;
      made.truth = made.text == "true";
    } else {
      made.kind = made.text == "nil" ? Term::Kind::nil : Term::Kind::function;
    }
    return made;
  }

  Result<Term> number() {
    Term made;
    made.kind = Term::Kind::number;
    made.text = rest_.substr(0, 1);
    rest_.remove_prefix(1);
    made.text += word();
    if (!parse_signed(made.text)) return fail(bad("bad number syntax: \"" + made.text + "\""));
    return made;
  }

  Result<Term> group(int depth) {
    rest_.remove_prefix(1);
    Term made;
    made.kind = Term::Kind::group;
    made.group = std::make_shared<Pipeline>(TRY(pipeline(depth + 1)));
    if (!take(')')) return fail(bad("unclosed left paren"));
    made.fields = fields();
    return made;
  }

  Result<Term> quoted() {
    const char quote = rest_[0];
    Term made;
    made.kind = Term::Kind::text;
    std::size_t at = 1;
    for (; at < rest_.size() && rest_[at] != quote; ++at) {
      if (quote == '"' && rest_[at] == '\\' && at + 1 < rest_.size()) {
        const char next = rest_[++at];
        made.text += next == 'n' ? '\n' : next == 't' ? '\t' : next == 'r' ? '\r' : next;
      } else {
        made.text += rest_[at];
      }
    }
    if (at >= rest_.size()) return fail(bad("unterminated quoted string"));
    rest_.remove_prefix(at + 1);
    return made;
  }

  std::string_view rest_;
};

// Parses a template into text and actions, in order.
class TemplateParser {
 public:
  explicit TemplateParser(std::string_view text) : rest_(text) {}

  Result<std::vector<Node>> all() {
    std::vector<Node> nodes = TRY(list(0));
    if (!ended_by_.empty()) return fail(bad("unexpected {{" + ended_by_ + "}}"));
    return nodes;
  }

 private:
  // Parses up to the end, or up to the "end" or "else" of an enclosing block.
  Result<std::vector<Node>> list(int depth) {
    if (depth > depth_limit) return fail(bad("too deep"));
    std::vector<Node> nodes;
    ended_by_.clear();
    while (!rest_.empty()) {
      std::string literal = take_literal();
      const auto action = TRY(take_action(literal));
      if (!literal.empty()) nodes.push_back({Node::Kind::text, std::move(literal), {}, {}, {}});
      if (!action) break;
      const std::string_view text = trim(*action);
      if (text.empty() || text.starts_with("/*")) continue;
      const std::string_view first = text.substr(0, text.find_first_of(" \t("));
      if (first == "end" || first == "else") {
        ended_by_ = text;
        return nodes;
      }
      nodes.push_back(TRY(node(first, text, depth)));
    }
    return nodes;
  }

  Result<Node> node(std::string_view first, std::string_view text, int depth) {
    Node made;
    made.kind = first == "if"      ? Node::Kind::if_
                : first == "range" ? Node::Kind::range
                : first == "with"  ? Node::Kind::with
                                   : Node::Kind::print;
    if (made.kind != Node::Kind::print) text.remove_prefix(first.size());
    // "{{range $i, $e := .List}}" declares variables in the same way as an assignment.
    ActionParser parser(text);
    made.pipeline = TRY(parser.pipeline());
    if (!parser.at_end())
      return fail(bad("unexpected \"" + std::string(parser.rest().substr(0, 20)) + "\" in command"));
    if (made.kind == Node::Kind::print) return made;
    made.body = TRY(list(depth + 1));
    if (ended_by_.starts_with("else")) {
      const std::string again(trim(std::string_view(ended_by_).substr(4)));
      if (again.empty()) {
        made.otherwise = TRY(list(depth + 1));
      } else {  // "else if": one "end" closes both
        made.otherwise.push_back(TRY(node(std::string_view(again).substr(0, again.find(' ')), again, depth + 1)));
        return made;
      }
    }
    if (ended_by_ != "end") return fail(bad("unexpected EOF"));
    ended_by_.clear();
    return made;
  }

  std::string take_literal() {
    const std::size_t open = rest_.find("{{");
    std::string literal(rest_.substr(0, open));
    rest_.remove_prefix(literal.size());
    if (trim_next_) literal.erase(0, std::min(literal.find_first_not_of(spaces), literal.size()));
    trim_next_ = false;
    return literal;
  }

  // "{{- x -}}" removes the white space around it.
  Result<std::optional<std::string>> take_action(std::string& before) {
    if (rest_.empty()) return std::optional<std::string>();
    rest_.remove_prefix(2);
    const std::size_t close = end_of_action();
    if (close == std::string_view::npos) return fail(bad("unclosed action"));
    std::string action(rest_.substr(0, close));
    rest_.remove_prefix(close + 2);
    if (action.starts_with("- ")) {
      before.erase(before.find_last_not_of(spaces) + 1);
      action.erase(0, 1);
    }
    if (action.ends_with(" -")) {
      trim_next_ = true;
      action.pop_back();
    }
    return std::optional(std::move(action));
  }

  // The end of the action; "}}" inside a quoted string does not count.
  std::size_t end_of_action() const {
    char quote = 0;
    for (std::size_t i = 0; i + 1 < rest_.size(); ++i) {
      const char c = rest_[i];
      if (quote != 0) {
        if (c == '\\' && quote == '"')
          ++i;
        else if (c == quote)
          quote = 0;
      } else if (c == '"' || c == '`') {
        quote = c;
      } else if (c == '}' && rest_[i + 1] == '}') {
        return i;
      }
    }
    return std::string_view::npos;
  }

  std::string_view rest_;
  std::string ended_by_;
  bool trim_next_ = false;
};

}  // namespace

Result<std::vector<Node>> parse(std::string_view text) {
  return TemplateParser(text).all();
}

}  // namespace consort::cli::go_template
