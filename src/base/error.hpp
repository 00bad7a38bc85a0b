// Errors are values. Everything that can fail returns Result<T>; an Error says what failed, on which object, why, where
// in the user's file, and what to try. Callers branch on code() and subject(), never on text (scripts/check-errors).
// Only cli/ prints errors; a library neither prints nor logs what it returns, so that nothing is reported twice.
//
// Texts are lower case without a final full stop ("mount overlay", "container web-1") because each level adds its own:
// message() of a chain reads "start container web-1: mount overlay: no space left on device".
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mark.hpp"

namespace consort {

enum class Code : std::uint8_t {
  invalid,      // invalid user input: a file, a flag, a reference
  not_found,    // the named thing does not exist
  conflict,     // a name, port or address is taken; the state forbids it
  unsupported,  // understood, but not possible here (kernel, missing program, not implemented)
  denied,       // permission or authentication
  busy,         // in use by another process at the moment
  io,           // the system or the network failed
  interrupted,  // the user stopped it
  lost,         // the process that was doing it (a supervisor) is gone; the outcome is unknown
  internal,     // a bug in this program
};

std::string_view to_string(Code code);

// What an error is about, for code that makes decisions based on it: which line of the user's file to show, which exit
// status to use, which process to look for. The accompanying name identifies the object, in the form given here; it is
// "" if unknown.
enum class Subject : std::uint8_t {
  none,
  address,            // of the host: "127.0.0.1"
  archive_entry,      // its path within the archive
  container_name,     // the name that is already taken
  dependency,         // the container that is being waited for
  mount,              // of a container: the path inside it, normalized
  port,               // of the host: "8000/tcp", or "8000-8009/tcp" if any port of a range was wanted
  program,            // the program to execute, as requested
  setting,            // its Compose name and the entry within it: "restart", "ulimits/nofile"
  user,               // or group, of a container: as requested
  working_directory,  // the path inside the container
};

class Error;

struct ErrorData {
  Code code = Code::internal;
  std::string what;    // what was being done: "mount overlay"
  std::string object;  // on what: "container web-1", a path; may be empty
  std::string why;     // the reason in words, if errno or the HTTP status does not say it
  std::string hint;    // what to try, as a complete sentence; may be empty
  int sys_errno = 0;   // saved at the failing call, never later; 0 = none
  int http_status = 0;
  Subject subject = Subject::none;
  std::string subject_name;
  std::optional<Mark> at;        // position in the user's file
  std::source_location raised;   // position in our source, shown with --debug
  std::unique_ptr<Error> cause;  // the error of the level below
  std::vector<Error> also;       // teardown and validation: everything else that failed
};

// A handle, one pointer wide, so that Result<T> stays small. Never empty, except after a move. Copying duplicates the
// whole chain; it exists only for std::expected::value(), which in newer standard libraries throws a copy.
class [[nodiscard]] Error {
 public:
  explicit Error(Code code, std::string what = {}, std::source_location raised = std::source_location::current());
  Error(const Error& other);
  Error& operator=(const Error& other);
  Error(Error&&) noexcept = default;
  Error& operator=(Error&&) noexcept = default;

  Code code() const { return data_->code; }
  int sys_errno() const;    // of this error or the nearest cause that has one
  int http_status() const;  // likewise
  Subject subject() const;  // likewise
  const std::string& subject_name() const;
  // The outermost error in the chain about this subject; null if there is none.
  const Error* level_about(Subject subject) const;
  const ErrorData& data() const { return *data_; }
  ErrorData& data() { return *data_; }

  // Builders, for chaining: return std::unexpected(Error(Code::not_found, "find image").on(name).hint("..."));
  Error&& on(std::string object) &&;
  Error&& why(std::string reason) &&;
  Error&& hint(std::string text) &&;
  Error&& about(Subject subject, std::string name = {}) &&;
  Error&& at(Mark mark) &&;
  Error&& also(Error other) &&;

  // Adds a level: what the caller was doing when this happened. Code and subject are inherited; hint and mark stay with
  // the cause.
  Error wrap(std::string what, std::string object = {},
             std::source_location raised = std::source_location::current()) &&;

  // The whole chain on one line. Hints are not part of it: see hint_text().
  std::string message() const;
  // The outermost hint of the chain, or "".
  std::string hint_text() const;
  // The outermost mark of the chain, if any.
  const Mark* mark() const;

 private:
  std::unique_ptr<ErrorData> data_;
};

template <typename T = void>
using Result = std::expected<T, Error>;

// The usual way to fail: return fail(Code::invalid, "parse port", "8o:80").
[[nodiscard]] std::unexpected<Error> fail(Code code, std::string what, std::string object = {},
                                          std::source_location raised = std::source_location::current());
[[nodiscard]] std::unexpected<Error> fail(Error error);
// Reads errno immediately, so call it directly after the failing system call, or pass the saved number.
[[nodiscard]] std::unexpected<Error> fail_errno(std::string what, std::string object = {},
                                                std::source_location raised = std::source_location::current());
[[nodiscard]] std::unexpected<Error> fail_errno(int number, std::string what, std::string object = {},
                                                std::source_location raised = std::source_location::current());

Error errno_error(int number, std::string what, std::string object = {},
                  std::source_location raised = std::source_location::current());
// The code for an errno: ENOENT is not_found, EACCES is denied, and so on.
Code code_of_errno(int number);
// "no such file or directory": strerror in lower case, thread-safe.
std::string errno_text(int number);

}  // namespace consort

// TRY(expr): evaluates to the value of a Result, or returns its error from the enclosing function.
#define CONSORT_CONCAT_INNER(a, b) a##b
#define CONSORT_CONCAT(a, b) CONSORT_CONCAT_INNER(a, b)
#define TRY(...) CONSORT_TRY(CONSORT_CONCAT(try_result_, __COUNTER__), __VA_ARGS__)
// Each expansion uses a different variable name so that one TRY can be nested in another.
#define CONSORT_TRY(result, ...)                         \
  (__extension__({                                       \
    auto&& result = (__VA_ARGS__);                       \
    if (!result) [[unlikely]]                            \
      return std::unexpected(std::move(result).error()); \
    *std::move(result);                                  \
  }))

// TRY_WRAP(expr, what, object): like TRY, but adds what this level was doing.
#define TRY_WRAP(expr, ...) CONSORT_TRY_WRAP(CONSORT_CONCAT(try_result_, __COUNTER__), expr, __VA_ARGS__)
#define CONSORT_TRY_WRAP(result, expr, ...)                                \
  (__extension__({                                                         \
    auto&& result = (expr);                                                \
    if (!result) [[unlikely]]                                              \
      return std::unexpected(std::move(result).error().wrap(__VA_ARGS__)); \
    *std::move(result);                                                    \
  }))
