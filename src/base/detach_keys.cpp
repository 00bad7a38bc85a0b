#include "base/detach_keys.hpp"

#include "base/strings.hpp"

namespace consort {

Result<DetachKeys> DetachKeys::parse(std::string_view keys) {
  DetachKeys parsed;
  if (keys.empty()) return parsed;
  constexpr std::string_view special = "@[\\]^_";
  parsed.sequence_.clear();
  for (const std::string& key : split(keys, ',')) {
    const bool control = key.size() == 6 && key.starts_with("ctrl-");
    const bool letter = control && ((key[5] >= 'a' && key[5] <= 'z') || special.contains(key[5]));
    if (key.size() == 1)
      parsed.sequence_ += key;
    else if (letter)
      parsed.sequence_ += static_cast<char>(key[5] & 0x1f);
    else
      return fail(Code::invalid, "Invalid detach keys (" + std::string(keys) + ") provided");
  }
  return parsed;
}

DetachKeys::Filtered DetachKeys::feed(std::string_view typed) {
  Filtered result;
  for (const char c : typed) {
    if (c == sequence_[matched_]) {
      if (++matched_ < sequence_.size()) continue;
      result.detached = true;
      return result;
    }
    result.text += sequence_.substr(0, matched_);  // it was not the sequence after all
    matched_ = c == sequence_[0] ? 1 : 0;
    if (matched_ == 0) result.text += c;
  }
  return result;
}

}  // namespace consort
