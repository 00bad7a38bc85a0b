#include "image/registry/retry.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "base/strings.hpp"

namespace consort::image {

namespace {

constexpr std::chrono::seconds longest_wait{30};  // if a server requests it
constexpr int most_asked_waits = 4;

bool is_temporary(int status) {
  return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

}  // namespace

void Retry::progressed() {
  since_ = Clock::now();
  tries_ = 0;
}

bool Retry::may_pass(const HttpAnswer& answer) const {
  using Kind = HttpFailure::Kind;
  if (answer) return is_temporary(answer->status);
  const Kind kind = answer.error().kind;
  if (kind == Kind::broken || kind == Kind::timed_out) return true;
  return what_ == What::connections_too && (kind == Kind::unresolved || kind == Kind::refused || kind == Kind::proxy);
}

std::optional<std::chrono::milliseconds> Retry::pause(const HttpAnswer& answer) {
  if (!may_pass(answer)) return std::nullopt;
  std::chrono::milliseconds pause =
      std::min(patience_.first_pause * (1 << std::min(tries_++, 12)), patience_.longest_pause);
  const auto asked = answer ? parse_unsigned(answer->header("retry-after")) : std::nullopt;
  if (asked && *asked > static_cast<std::uint64_t>(longest_wait.count())) return std::nullopt;
  if (asked && tries_ <= most_asked_waits) {  // the server knows best, so this is not counted
    pause = std::max<std::chrono::milliseconds>(pause, std::chrono::seconds(*asked));
    since_ += pause;
  }
  if (Clock::now() - since_ + pause > limit_) return std::nullopt;
  return pause;
}

Result<> sleep_for(std::chrono::milliseconds time, const std::stop_token& cancel) {
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any wake;
  wake.wait_for(lock, cancel, time, [] { return false; });
  if (cancel.stop_requested()) return fail(Code::interrupted, "request");
  return {};
}

}  // namespace consort::image
