#include "base/error.hpp"

#include <cctype>
#include <cerrno>
#include <cstring>
#include <set>

namespace consort {

std::string_view to_string(Code code) {
  switch (code) {
    case Code::invalid:
      return "invalid";
    case Code::not_found:
      return "not found";
    case Code::conflict:
      return "conflict";
    case Code::unsupported:
      return "unsupported";
    case Code::denied:
      return "denied";
    case Code::busy:
      return "busy";
    case Code::io:
      return "io";
    case Code::interrupted:
      return "interrupted";
    case Code::lost:
      return "lost";
    case Code::internal:
      return "internal";
  }
  return "unknown";
}

Error::Error(Code code, std::string what, std::source_location raised) : data_(std::make_unique<ErrorData>()) {
  data_->code = code;
  data_->what = std::move(what);
  data_->raised = raised;
}

Error::Error(const Error& other) {
  if (!other.data_) return;
  const ErrorData& from = *other.data_;
  data_ = std::make_unique<ErrorData>(ErrorData{
      from.code, from.what, from.object, from.why, from.hint, from.sys_errno, from.http_status, from.subject,
      from.subject_name, from.at, from.raised, from.cause ? std::make_unique<Error>(*from.cause) : nullptr, from.also});
}

Error& Error::operator=(const Error& other) {
  if (this != &other) *this = Error(other);
  return *this;
}

int Error::sys_errno() const {
  for (const Error* e = this; e; e = e->data_->cause.get())
    if (e->data_->sys_errno) return e->data_->sys_errno;
  return 0;
}

int Error::http_status() const {
  for (const Error* e = this; e; e = e->data_->cause.get())
    if (e->data_->http_status) return e->data_->http_status;
  return 0;
}

Subject Error::subject() const {
  for (const Error* e = this; e; e = e->data_->cause.get())
    if (e->data_->subject != Subject::none) return e->data_->subject;
  return Subject::none;
}

const std::string& Error::subject_name() const {
  const Error* level = level_about(subject());
  return level ? level->data_->subject_name : data_->subject_name;
}

const Error* Error::level_about(Subject subject) const {
  for (const Error* e = this; e && subject != Subject::none; e = e->data_->cause.get())
    if (e->data_->subject == subject) return e;
  return nullptr;
}

Error&& Error::on(std::string object) && {
  data_->object = std::move(object);
  return std::move(*this);
}

Error&& Error::why(std::string reason) && {
  data_->why = std::move(reason);
  return std::move(*this);
}

Error&& Error::hint(std::string text) && {
  data_->hint = std::move(text);
  return std::move(*this);
}

Error&& Error::about(Subject subject, std::string name) && {
  data_->subject = subject;
  data_->subject_name = std::move(name);
  return std::move(*this);
}

Error&& Error::at(Mark mark) && {
  data_->at = std::move(mark);
  return std::move(*this);
}

Error&& Error::also(Error other) && {
  data_->also.push_back(std::move(other));
  return std::move(*this);
}

Error Error::wrap(std::string what, std::string object, std::source_location raised) && {
  Error outer(data_->code, std::move(what), raised);
  outer.data_->object = std::move(object);
  outer.data_->cause = std::make_unique<Error>(std::move(*this));
  return outer;
}

std::string Error::message() const {
  std::string text;
  const auto add = [&text](std::string_view part) {
    if (part.empty()) return;
    if (!text.empty()) text += ": ";
    text += part;
  };
  for (const Error* e = this; e; e = e->data_->cause.get()) {
    const ErrorData& d = *e->data_;
    std::string head = d.what;
    if (!d.object.empty()) head += (head.empty() ? "" : " ") + d.object;
    add(head);
    add(d.why);
    if (d.sys_errno) add(errno_text(d.sys_errno));
    if (d.http_status && d.why.empty()) add("HTTP status " + std::to_string(d.http_status));
  }
  // If the same failure occurs in several places, it is reported once.
  std::set<std::string> told{text};
  for (const Error& other : data_->also)
    if (std::string message = other.message(); told.insert(message).second) text += "; also: " + message;
  return text;
}

std::string Error::hint_text() const {
  for (const Error* e = this; e; e = e->data_->cause.get())
    if (!e->data_->hint.empty()) return e->data_->hint;
  return {};
}

const Mark* Error::mark() const {
  for (const Error* e = this; e; e = e->data_->cause.get())
    if (const std::optional<Mark>& at = e->data_->at) return &*at;
  return nullptr;
}

std::unexpected<Error> fail(Code code, std::string what, std::string object, std::source_location raised) {
  Error error(code, std::move(what), raised);
  error.data().object = std::move(object);
  return std::unexpected(std::move(error));
}

std::unexpected<Error> fail(Error error) {
  return std::unexpected(std::move(error));
}

Error errno_error(int number, std::string what, std::string object, std::source_location raised) {
  Error error(code_of_errno(number), std::move(what), raised);
  error.data().object = std::move(object);
  error.data().sys_errno = number;
  return error;
}

std::unexpected<Error> fail_errno(std::string what, std::string object, std::source_location raised) {
  const int number = errno;
  return std::unexpected(errno_error(number, std::move(what), std::move(object), raised));
}

std::unexpected<Error> fail_errno(int number, std::string what, std::string object, std::source_location raised) {
  return std::unexpected(errno_error(number, std::move(what), std::move(object), raised));
}

Code code_of_errno(int number) {
  switch (number) {
    case ENOENT:
    case ESRCH:
    case ENODEV:
      return Code::not_found;
    case EEXIST:
    case EADDRINUSE:
    case ENOTEMPTY:
      return Code::conflict;
    case EACCES:
    case EPERM:
      return Code::denied;
    case EBUSY:
    case EAGAIN:
    case ETXTBSY:
      return Code::busy;
    case ENOSYS:
    case EOPNOTSUPP:
      return Code::unsupported;
    case EINVAL:
    case ENAMETOOLONG:
    case ELOOP:
    case ENOTDIR:
    case EISDIR:
      return Code::invalid;
    case EINTR:
      return Code::interrupted;
    default:
      return Code::io;
  }
}

std::string errno_text(int number) {
  char buffer[128];
  // The GNU variant, which returns the text; that need not be in the buffer.
  std::string text = ::strerror_r(number, buffer, sizeof buffer);
  if (text.size() > 1 && std::isupper(static_cast<unsigned char>(text[0])) &&
      std::islower(static_cast<unsigned char>(text[1])))
    text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

}  // namespace consort
