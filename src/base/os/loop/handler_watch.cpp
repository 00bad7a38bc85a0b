#include "base/os/loop/handler_watch.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"

namespace consort {

std::unique_ptr<HandlerWatch> HandlerWatch::from_environment() {
#ifdef NDEBUG
  return nullptr;
#else
  const char* const text = ::getenv("CONSORT_LOOP_LIMIT_MS");
  const auto limit = text != nullptr ? parse_unsigned(text) : std::nullopt;
  auto schedule = limit ? open_file("/proc/thread-self/schedstat", O_RDONLY) : Result<Fd>(Fd());
  if (!limit || !schedule) return nullptr;
  return std::make_unique<HandlerWatch>(std::chrono::milliseconds(*limit), std::move(*schedule));
#endif
}

// The second of the three numbers in the file.
std::chrono::nanoseconds HandlerWatch::waited_for_processor() const {
  char text[96];
  const ssize_t got = ::pread(schedule_.get(), text, sizeof text, 0);
  const auto words = split(std::string_view(text, got > 0 ? static_cast<std::size_t>(got) : 0), ' ');
  const auto waited = words.size() > 1 ? parse_unsigned(words[1]) : std::nullopt;
  return std::chrono::nanoseconds(waited.value_or(0));
}

void HandlerWatch::begin() {
  waited_ = waited_for_processor();
  begun_ = Clock::now();
}

std::chrono::nanoseconds HandlerWatch::taken() const {
  const auto passed = std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - begun_);
  return passed - (waited_for_processor() - waited_);
}

void HandlerWatch::end() const {
  if (Clock::now() - begun_ < limit_) return;
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(taken());
  if (ms < limit_) return;
  std::fprintf(stderr, "consort: a handler of the event loop took %lld ms, and %lld are allowed\n",
               static_cast<long long>(ms.count()), static_cast<long long>(limit_.count()));
  std::abort();
}

}  // namespace consort
