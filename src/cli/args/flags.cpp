#include "cli/args/flags.hpp"

#include <algorithm>
#include <utility>

#include "base/go_bool.hpp"
#include "base/strings.hpp"

namespace consort::cli {

namespace {

const Flag* find_long(std::span<const Flag> flags, std::string_view name) {
  const auto found = std::ranges::find(flags, name, &Flag::name);
  return found == flags.end() ? nullptr : &*found;
}

// Docker accepts these spellings for another flag. They apply only if that flag exists and the spelling itself is not a
// flag.
const Flag* find_spelling(std::span<const Flag> flags, std::string_view name) {
  constexpr std::pair<std::string_view, std::string_view> spellings[] = {
      {"labels", "label"}, {"no-TTY", "no-tty"}, {"no-tty", "no-TTY"}, {"volumes", "volume"}};
  if (const Flag* flag = find_long(flags, name)) return flag;
  const auto found = std::ranges::find(spellings, name, &std::pair<std::string_view, std::string_view>::first);
  return found == std::end(spellings) ? nullptr : find_long(flags, found->second);
}

const Flag* find_short(std::span<const Flag> flags, char shorthand) {
  const auto found = std::ranges::find(flags, shorthand, &Flag::shorthand);
  return found == flags.end() ? nullptr : &*found;
}

std::string spelled(const Flag& flag) {
  const std::string name = "--" + std::string(flag.name);
  return flag.shorthand ? std::string("-") + flag.shorthand + ", " + name : name;
}

Error invalid_value(const Flag& flag, const std::string& value, std::string_view go_function) {
  return Error(Code::invalid, "invalid argument \"" + value + "\" for \"" + spelled(flag) + "\" flag: strconv." +
                                  std::string(go_function) + ": parsing \"" + value + "\": invalid syntax");
}

Result<> store(const Flag& flag, std::string value, ParsedFlags& into) {
  if (flag.kind == FlagKind::boolean && !parse_go_bool(value)) return fail(invalid_value(flag, value, "ParseBool"));
  if (flag.kind == FlagKind::integer && !parse_signed(value)) return fail(invalid_value(flag, value, "ParseInt"));
  into.set(flag.name, std::move(value));
  return {};
}

Error unknown_flag(std::span<const Flag> flags, std::string_view name) {
  Error error(Code::invalid, "unknown flag: --" + std::string(name));
  std::vector<std::string> known;
  for (const Flag& flag : flags)
    if (!flag.hidden) known.emplace_back(flag.name);
  if (const auto near = nearest(name, known)) error.data().hint = "did you mean --" + *near + "?";
  return error;
}

class Parser {
 public:
  Parser(std::span<const Flag> flags, std::span<const std::string> arguments) : flags_(flags), left_(arguments) {}

  Result<ParsedArguments> parse(FlagPlace place) {
    while (!left_.empty()) {
      const std::string word = take();
      if (word == "--") break;
      if (word.size() > 2 && word.starts_with("--")) {
        TRY(long_flag(std::string_view(word).substr(2)));
      } else if (word.size() > 1 && word[0] == '-') {
        TRY(short_flags(word));
      } else {
        result_.arguments.push_back(word);
        if (place == FlagPlace::before_arguments) break;
      }
    }
    result_.arguments.insert(result_.arguments.end(), left_.begin(), left_.end());
    for (const Flag& flag : flags_)
      if (flag.kind == FlagKind::boolean && flag.fallback == "true" && !result_.flags.has(flag.name))
        result_.flags.set(flag.name, "true");
    return std::move(result_);
  }

 private:
  std::string take() {
    std::string word = left_.front();
    left_ = left_.subspan(1);
    return word;
  }

  Result<> long_flag(std::string_view word) {
    const std::size_t equals = word.find('=');
    const std::string_view name = word.substr(0, equals);
    const Flag* flag = find_spelling(flags_, name);
    if (!flag) return fail(unknown_flag(flags_, name));
    if (equals != std::string_view::npos) return store(*flag, std::string(word.substr(equals + 1)), result_.flags);
    if (flag->kind == FlagKind::boolean) return store(*flag, "true", result_.flags);
    if (!flag->bare.empty()) return store(*flag, std::string(flag->bare), result_.flags);
    if (left_.empty()) return fail(Code::invalid, "flag needs an argument: --" + std::string(name));
    return store(*flag, take(), result_.flags);
  }

  Result<> short_flags(const std::string& word) {
    for (std::size_t i = 1; i < word.size(); ++i) {
      const Flag* flag = find_short(flags_, word[i]);
      if (!flag) return fail(Code::invalid, std::string("unknown shorthand flag: '") + word[i] + "' in " + word);
      std::string rest = word.substr(i + 1);
      if (rest.starts_with('=')) return store(*flag, rest.substr(1), result_.flags);
      if (flag->kind == FlagKind::boolean) {
        TRY(store(*flag, "true", result_.flags));
        continue;
      }
      if (!rest.empty()) return store(*flag, std::move(rest), result_.flags);
      if (!flag->bare.empty()) return store(*flag, std::string(flag->bare), result_.flags);
      if (left_.empty())
        return fail(Code::invalid, std::string("flag needs an argument: '") + word[i] + "' in " + word);
      return store(*flag, take(), result_.flags);
    }
    return {};
  }

  std::span<const Flag> flags_;
  std::span<const std::string> left_;
  ParsedArguments result_;
};

}  // namespace

bool ParsedFlags::on(std::string_view name) const {
  const auto found = values_.find(name);
  return found != values_.end() && parse_go_bool(found->second.back()).value_or(false);
}

std::string ParsedFlags::text(std::string_view name, std::string fallback) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return fallback;
  return found->second.back();
}

std::vector<std::string> ParsedFlags::list(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::vector<std::string>{} : found->second;
}

std::optional<std::int64_t> ParsedFlags::integer(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::nullopt : parse_signed(found->second.back());
}

Result<ParsedArguments> parse_flags(std::span<const Flag> flags, FlagPlace place,
                                    std::span<const std::string> arguments) {
  return Parser(flags, arguments).parse(place);
}

}  // namespace consort::cli
