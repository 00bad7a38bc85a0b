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
    mode_t who = 0;
    for (; i < part.size() && std::string_view("ugoa").contains(part[i]); ++i) {
      switch (part[i]) {
        case 'u':
          who |= S_IRWXU | S_ISUID;
          break;
        case 'g':
          who |= S_IRWXG | S_ISGID;
          break;
        case 'o':
          who |= S_IRWXO | S_ISVTX;
          break;
        default:
          who |= 07777;
      }
    }
    if (who == 0) who = 07777;
    if (i >= part.size()) return wrong();
    while (i < part.size()) {
      Clause clause;
      clause.who = who;
      clause.op = part[i];
      if (!std::string_view("+-=").contains(part[i++])) return wrong();
      for (; i < part.size() && !std::string_view("+-=").contains(part[i]); ++i) {
        switch (part[i]) {
          case 'r':
            clause.bits |= 0444;
            break;
          case 'w':
            clause.bits |= 0222;
            break;
          case 'x':
            clause.bits |= 0111;
            break;
          case 'X':
            clause.conditional_execute = true;
            break;
          case 's':
            clause.bits |= S_ISUID | S_ISGID;
            break;
          case 't':
            clause.bits |= S_ISVTX;
            break;
          case 'u':
          case 'g':
          case 'o':
            clause.copied += part[i];
            break;
          default:
            return wrong();
        }
      }
      change.clauses_.push_back(clause);
    }
  }
  return change;
}

mode_t ModeChange::apply(mode_t mode) const {
  if (numeric_) return (mode & S_IFMT) | number_;
  const bool executable = S_ISDIR(mode) || (mode & 0111) != 0;  // before any clause, as BuildKit sees it
  for (const auto& clause : clauses_) {
    mode_t bits = clause.bits;
    if (clause.conditional_execute && executable) bits |= 0111;
    for (const char from : clause.copied) {
      const mode_t rwx = mode >> (from == 'u' ? 6 : from == 'g' ? 3 : 0) & 7;
      bits |= rwx << 6 | rwx << 3 | rwx;
    }
    bits &= clause.who;
    if (clause.op == '+') {
      mode |= bits;
    } else if (clause.op == '-') {
      mode &= ~bits;
    } else {
      const mode_t cleared = clause.copied.empty() ? 07777 : 0777;  // a copy leaves the special bits alone
      mode = (mode & ~(clause.who & cleared)) | bits;
    }
  }
  return mode;
}

}  // namespace consort::build
