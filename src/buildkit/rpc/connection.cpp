#include "buildkit/rpc/connection.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>

#include "buildkit/rpc/core.hpp"

namespace consort::buildkit {

Stream::Stream(std::shared_ptr<ConnectionCore> core, std::shared_ptr<StreamState> state)
    : core_(std::move(core)), state_(std::move(state)) {}

Stream::~Stream() {
  core_->end_of_owner(*state_);
}

const std::string& Stream::path() const {
  return state_->path;
}

std::string Stream::header(std::string_view name) const {
  const auto found = std::ranges::find(state_->headers, name, &std::pair<std::string, std::string>::first);
  return found == state_->headers.end() ? std::string() : found->second;
}

std::vector<std::string> Stream::headers(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [key, value] : state_->headers)
    if (key == name) values.push_back(value);
  return values;
}

Result<std::optional<std::string>> Stream::read() {
  return core_->read(*state_);
}

Result<> Stream::write(std::string_view message) {
  return core_->write(*state_, message);
}

void Stream::close_send() {
  core_->close_send(*state_);
}

void Stream::finish(const RpcStatus& status) {
  core_->finish(*state_, status);
}

void Stream::cancel() {
  core_->cancel(*state_);
}

std::stop_token Stream::stopped() const {
  return state_->stop.get_token();
}

Result<std::unique_ptr<Connection>> Connection::start(Fd socket, std::string read_already, Role role, Handler handler) {
  Fd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return fail_errno("make event");
  auto core = std::make_shared<ConnectionCore>(std::move(socket), std::move(wake), role, std::move(handler));
  TRY(core->begin(std::move(read_already)));
  return std::unique_ptr<Connection>(new Connection(std::move(core)));
}

Connection::~Connection() {
  core_->close();
  core_->join();
}

Result<std::unique_ptr<Stream>> Connection::call(const std::string& path, const Headers& metadata) {
  return std::make_unique<Stream>(core_, TRY(core_->open_call(path, metadata)));
}

Result<std::string> Connection::ask(const std::string& path, std::string_view request, const Headers& metadata,
                                    const std::stop_token& cancel) {
  const auto stream = TRY(call(path, metadata));
  const std::stop_callback canceled(cancel, [&] { stream->cancel(); });
  TRY(stream->write(request));
  stream->close_send();
  auto answer = TRY(stream->read());
  if (!answer) return fail(Error(Code::lost, "call client").on(path).why("it gave no answer"));
  // A call that was refused after its answer still counts as refused.
  if (TRY(stream->read())) return fail(Error(Code::invalid, "call client").on(path).why("it answered twice"));
  return std::move(*answer);
}

void Connection::close() {
  core_->close();
}

void Connection::wait_closed() {
  core_->wait_closed();
}

std::stop_token Connection::closed() const {
  return core_->closed();
}

}  // namespace consort::buildkit
