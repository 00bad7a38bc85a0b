#include "build/exec/mode_change.hpp"

#include <sys/stat.h>

#include <algorithm>

#include "base/strings.hpp"

namespace consort::build {
namespace {

std::unexpected<Error> not_octal(std::string_view text) {
  return fail(Error(Code::invalid)
                  .why("invalid chmod parameter: '" + std::string(text) +
                       "'. it should be octal string and between 0 and 07777"));
}

// "ug" of "ug+x"; the sticky bit is in no class.
mode_t read_classes(std::string_view part, std::size_t& at) {
  mode_t who = 0;
  for (; at < part.size() && std::string_view("ugoa").contains(part[at]); ++at) {
    switch (part[at]) {
      case 'u':
        who |= S_IRWXU | S_ISUID;
        break;
      case 'g':
        who |= S_IRWXG | S_ISGID;
        break;
      case 'o':
        who |= S_IRWXO;
        break;
      default:
        who |= 06777;
    }
  }
  return who;
}

}  // namespace

Result<ModeChange> ModeChange::parse(std::string_view text) {
  ModeChange change;
  if (!text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) {
    change.numeric_ = true;
    for (const char c : text) {
      if (c > '7') return not_octal(text);
      change.number_ = change.number_ * 8 + static_cast<mode_t>(c - '0');
      if (change.number_ > 07777) return not_octal(text);
    }
    return change;
  }
  const auto wrong = [&] { return fail(Error(Code::invalid).why("invalid mode: \"" + std::string(text) + "\"")); };
  for (const auto& part : split(text, ',')) {
    std::size_t i = 0;
    const mode_t who = read_classes(part, i);
    if (i >= part.size()) return wrong();
    while (i < part.size()) {
      Clause clause{.who = who, .op = part[i]};
      if (!std::string_view("+-=").contains(part[i++])) return wrong();
      for (; i < part.size() && !std::string_view("+-=").contains(part[i]); ++i) {
        if (!clause.add(part[i])) return wrong();
      }
      change.clauses_.push_back(std::move(clause));
    }
  }
  return change;
}

bool ModeChange::Clause::add(char permission) {
  const bool only_other = who != 0 && (who & ~mode_t{S_IRWXO}) == 0;  // it has neither set-id nor sticky bit
  switch (permission) {
    case 'r':
      bits |= 0444;
      return true;
    case 'w':
      bits |= 0222;
      return true;
    case 'x':
      bits |= 0111;
      return true;
    case 'X':
      conditional_execute = true;
      return true;
    case 's':
      if (!only_other) bits |= S_ISUID | S_ISGID;
      return true;
    case 't':
      if (only_other) return true;
      bits |= S_ISVTX;
      who |= S_ISVTX;  // without classes, only that bit changes: "=rt" is "=t"
      return true;
    case 'u':
    case 'g':
    case 'o':
      copied += permission;
      return true;
    default:
      return false;
  }
}

mode_t ModeChange::apply(mode_t mode) const {
  if (numeric_) return (mode & S_IFMT) | number_;
  const bool executable = S_ISDIR(mode) || (mode & 0111) != 0;  // before any clause, as in BuildKit
  for (const auto& clause : clauses_) {
    mode_t bits = clause.bits;
    if (clause.conditional_execute && executable) bits |= 0111;
    for (const char from : clause.copied) {
      const mode_t rwx = mode >> (from == 'u' ? 6 : from == 'g' ? 3 : 0) & 7;
      bits |= rwx << 6 | rwx << 3 | rwx;
    }
    const mode_t who = clause.who == 0 ? 06777 : clause.who;
    bits &= who;
    if (clause.op == '+') {
      mode |= bits;
    } else if (clause.op == '-') {
      mode &= ~bits;
    } else {
      const mode_t cleared = clause.copied.empty() ? 07777 : 0777;  // a copy does not change the special bits
      mode = (mode & ~(who & cleared)) | bits;
    }
  }
  return mode;
}

}  // namespace consort::build
