#include "buildkit/session/client.hpp"

#include <algorithm>
#include <array>

#include "buildkit/session/file_receiver.hpp"
#include "session.pb.h"

namespace consort::buildkit {
namespace {

constexpr const char* file_sync = "/moby.filesync.v1.FileSync/DiffCopy";
constexpr const char* file_send = "/moby.filesync.v1.FileSend/DiffCopy";
constexpr const char* secrets = "/moby.buildkit.secrets.v1.Secrets/GetSecret";
constexpr const char* credentials = "/moby.filesync.v1.Auth/Credentials";
constexpr const char* upload = "/moby.upload.v1.Upload/Pull";

bool is_ascii(const std::string& text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::string query_escape(const std::string& text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  return out;
}

// Headers contain ASCII: otherwise all values of that name are escaped, and an additional header says so.
void add_option(Headers& headers, const std::string& name, const std::vector<std::string>& values) {
  const bool escaped = !std::ranges::all_of(values, is_ascii);
  for (const std::string& value : values) headers.emplace_back(name, escaped ? query_escape(value) : value);
  if (escaped) headers.emplace_back(name + "-encoded", "1");
}

std::unexpected<Error> not_offered(const char* path) {
  return fail(Error(Code::unsupported).why("method " + std::string(path) + " not supported by the client"));
}

template <typename Message>
Result<Message> parse(const std::string& bytes) {
  Message message;
  if (!message.ParseFromString(bytes)) return fail(Code::invalid, "read the client's answer");
  return message;
}

}  // namespace

Result<std::uint64_t> receive_files(Session& session, const FileWish& wish, Fd root,
                                    const std::function<void(std::uint64_t)>& on_bytes, const std::stop_token& cancel) {
  if (!session.offers(file_sync)) return fail(Error(Code::unsupported).why("no local sources enabled"));
  Headers headers;
  add_option(headers, "dir-name", {wish.directory});
  add_option(headers, "include-patterns", wish.include);
  add_option(headers, "exclude-patterns", wish.exclude);
  add_option(headers, "followpaths", wish.follow);
  const auto stream = TRY(session.connection().call(file_sync, headers));
  const std::stop_callback canceled(cancel, [&] { stream->cancel(); });
  FileReceiver receiver(std::move(root), [&](std::string_view packet) { return stream->write(packet); });
  while (!receiver.done()) {
    const auto packet = TRY(stream->read());
    if (!packet) return fail(Error(Code::lost, "receive files").why("the client ended before all was there"));
    TRY(receiver.take(*packet));
    if (on_bytes) on_bytes(receiver.bytes());
  }
  stream->close_send();
  while (TRY(stream->read())) continue;  // read to the end, or it would see our end as a cancellation
  return receiver.bytes();
}

Result<std::optional<std::string>> get_secret(Session& session, const std::string& id, const std::stop_token& cancel) {
  if (!session.offers(secrets)) return std::nullopt;
  wire::GetSecretRequest request;
  request.set_id(id);
  auto answer = session.connection().ask(secrets, request.SerializeAsString(), {}, cancel);
  if (!answer && answer.error().code() == Code::not_found) return std::nullopt;
  if (!answer) return fail(std::move(answer).error().wrap("get secret", id));
  return TRY(parse<wire::GetSecretResponse>(*answer)).data();
}

Result<std::optional<ClientLogin>> get_login(Session& session, const std::string& host, const std::stop_token& cancel) {
  if (!session.offers(credentials)) return std::nullopt;
  wire::CredentialsRequest request;
  request.set_host(host);
  const auto answer = TRY(parse<wire::CredentialsResponse>(
      TRY(session.connection().ask(credentials, request.SerializeAsString(), {}, cancel))));
  if (answer.username().empty() && answer.secret().empty()) return std::nullopt;
  return ClientLogin{answer.username(), answer.secret()};
}

Result<> send_bytes(Session& session, int from, const Headers& metadata, const std::stop_token& cancel) {
  if (!session.offers(file_send)) return not_offered(file_send);
  const auto stream = TRY(session.connection().call(file_send, metadata));
  const std::stop_callback canceled(cancel, [&] { stream->cancel(); });
  std::vector<std::byte> buffer(std::size_t{64} << 10);
  while (const std::size_t got = TRY(read_some(from, buffer))) {
    wire::Bytes message;
    message.set_data(buffer.data(), got);
    TRY(stream->write(message.SerializeAsString()));
  }
  stream->close_send();
  while (TRY(stream->read())) continue;  // when the stream has ended, everything has been written
  return {};
}

Result<> fetch_upload(Session& session, const std::string& path, int to, const std::stop_token& cancel) {
  if (!session.offers(upload)) return not_offered(upload);
  const auto stream = TRY(session.connection().call(upload, {{"urlpath", path}, {"urlhost", "buildkit-session"}}));
  const std::stop_callback canceled(cancel, [&] { stream->cancel(); });
  stream->close_send();
  std::uint64_t left = std::uint64_t{64} << 30;
  while (const auto message = TRY(stream->read())) {
    const auto bytes = TRY(parse<wire::Bytes>(*message));
    if (bytes.data().size() > left) return fail(Error(Code::invalid, "receive build context").why("it is too large"));
    left -= bytes.data().size();
    TRY(write_full(to, bytes.data()));
  }
  return {};
}

}  // namespace consort::buildkit
