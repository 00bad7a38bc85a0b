#include "compose/template.hpp"

#include <algorithm>
#include <utility>

namespace consort::compose {

namespace {

constexpr int nesting_limit = 100;

bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_name(char c) {
  return is_name_start(c) || (c >= '0' && c <= '9');
}

std::size_t name_length(std::string_view text) {
  if (text.empty() || !is_name_start(text[0])) return 0;
  std::size_t i = 1;
  while (i < text.size() && is_name(text[i])) ++i;
  return i;
}

// The index of the brace that closes the one at `open`, or npos. Braces nest; a line break ends the search.
std::size_t closing_brace(std::string_view text, std::size_t open) {
  int depth = 0;
  for (std::size_t i = open; i < text.size(); ++i) {
    if (text[i] == '\n') return std::string_view::npos;
    if (text[i] == '{') ++depth;
    if (text[i] == '}' && --depth == 0) return i;
  }
  return std::string_view::npos;
}

struct Substitution {
  const Lookup& lookup;
  TemplateResult& result;

  bool invalid(std::size_t offset) {
    result.fault = TemplateFault::invalid;
    result.fault_offset = offset;
    return false;
  }

  bool too_long() {
    result.fault = TemplateFault::too_long;
    result.fault_text = "its variables expand it to more than " + std::to_string(value_limit >> 20) + " MiB";
    return false;
  }

  bool expand(std::string_view text, int depth, std::string& into) {
    std::size_t i = 0;
    while (i < text.size()) {
      if (into.size() > text.size() + value_limit) return too_long();
      const std::size_t dollar = text.find('$', i);
      into.append(text.substr(i, dollar == std::string_view::npos ? dollar : dollar - i));
      if (dollar == std::string_view::npos) return true;
      i = dollar + 1;
      if (i >= text.size()) {
        into.push_back('$');
        return true;
      }
      if (text[i] == '$') {
        into.push_back('$');
        ++i;
      } else if (text[i] == '{') {
        const std::size_t close = closing_brace(text, i);
        if (close == std::string_view::npos || depth >= nesting_limit) return invalid(dollar);
        if (!braced(text.substr(i + 1, close - i - 1), dollar, depth, into)) return false;
        i = close + 1;
      } else if (const std::size_t length = name_length(text.substr(i)); length > 0) {
        plain(text.substr(i, length), into);
        i += length;
      } else {
        into.push_back('$');
      }
    }
    return true;
  }

  void plain(std::string_view name, std::string& into) {
    const std::string* value = lookup(name);
    result.uses.push_back(TemplateUse{std::string(name), "", "", value != nullptr});
    if (value) {
      into += *value;
    } else {
      result.unset.emplace_back(name);
    }
  }

  // Variables in a word that is not used.
  void note(std::string_view word) {
    for (std::size_t at = 0; const auto use = next_template_use(word, at);) {
      result.uses.push_back(*use);
      result.uses.back().set = true;
    }
  }

  bool braced(std::string_view expression, std::size_t offset, int depth, std::string& into) {
    const std::size_t length = name_length(expression);
    if (length == 0) return invalid(offset);
    const std::string_view name = expression.substr(0, length);
    std::string_view rest = expression.substr(length);
    if (rest.empty()) {
      plain(name, into);
      return true;
    }
    const bool colon = rest[0] == ':';
    const std::size_t at = colon ? 1 : 0;
    if (at >= rest.size() || std::string_view("-?+").find(rest[at]) == std::string_view::npos) return invalid(offset);
    const std::string_view op = rest.substr(0, at + 1);
    const std::string_view word = rest.substr(at + 1);
    const std::string* found = lookup(name);
    const bool usable = found && !(colon && found->empty());
    const std::string value = found ? *found : std::string();
    result.uses.push_back(TemplateUse{std::string(name), std::string(op), std::string(word), found != nullptr});
    if (usable == (op.back() != '+')) {  // the word is not used
      note(word);
      into += op.back() == '+' ? std::string() : value;
      return true;
    }
    std::string expanded;
    if (!expand(word, depth + 1, expanded)) return false;
    if (op.back() != '?') {
      into += expanded;
      return true;
    }
    result.fault = TemplateFault::required;
    result.fault_offset = offset;
    result.fault_name = std::string(name);
    result.fault_text = "required variable " + std::string(name) + " is missing a value";
    if (!expanded.empty()) result.fault_text += ": " + expanded;
    return false;
  }
};

}  // namespace

std::optional<TemplateUse> next_template_use(std::string_view text, std::size_t& at) {
  std::size_t line_without_brace = 0;  // no `}` follows before this offset, so that the search is not repeated
  while ((at = text.find('$', at)) != std::string_view::npos && ++at < text.size()) {
    if (text[at] == '$') {
      ++at;
    } else if (const std::size_t length = name_length(text.substr(at)); length > 0) {
      at += length;
      return TemplateUse{std::string(text.substr(at - length, length)), "", "", false};
    } else if (text[at] == '{') {
      const std::size_t close = at < line_without_brace ? std::string_view::npos : closing_brace(text, at);
      if (close == std::string_view::npos) {
        line_without_brace = std::max(line_without_brace, std::min(text.find('\n', at), text.size()));
        continue;
      }
      const std::string_view expression = text.substr(at + 1, close - at - 1);
      at = close + 1;
      const std::size_t name = name_length(expression);
      if (name == 0) continue;
      const std::string_view rest = expression.substr(name);
      const std::size_t word = std::min<std::size_t>(rest.starts_with(':') ? 2 : 1, rest.size());
      return TemplateUse{std::string(expression.substr(0, name)), std::string(rest.substr(0, word)),
                         std::string(rest.substr(word)), false};
    }
  }
  at = text.size();
  return std::nullopt;
}

TemplateResult substitute(std::string_view text, const Lookup& lookup) {
  TemplateResult result;
  std::string expanded;
  Substitution substitution{lookup, result};
  if (substitution.expand(text, 0, expanded)) result.text = std::move(expanded);
  return result;
}

}  // namespace consort::compose
