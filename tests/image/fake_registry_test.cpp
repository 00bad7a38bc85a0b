#include "fake_registry.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>

#include "base/strings.hpp"

namespace consort::image {

FakeRegistry::FakeRegistry() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), length), 0);
  EXPECT_EQ(::listen(listener_.get(), 64), 0);
  ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &length);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::jthread([this] { run(); });
}

void FakeRegistry::stop() {
  if (!acceptor_.joinable()) return;
  ::shutdown(listener_.get(), SHUT_RDWR);
  acceptor_.join();
  connections_.clear();
}

void FakeRegistry::run() {
  for (;;) {
    const int connection = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) return;
    const std::scoped_lock lock(mutex_);
    connections_.emplace_back([this, connection] {
      const Fd owner(connection);
      handle(connection);
    });
  }
}

void FakeRegistry::handle(int connection) {
  std::string text;
  char buffer[4096];
  while (text.find("\r\n\r\n") == std::string::npos) {
    const ssize_t got = ::recv(connection, buffer, sizeof buffer, 0);
    if (got <= 0 || static_cast<unsigned char>(text.empty() ? buffer[0] : text[0]) == 0x16) return;  // TLS: hang up
    text.append(buffer, static_cast<std::size_t>(got));
  }
  FakeRequest request;
  const std::vector<std::string> lines = split(text, '\n');
  const std::vector<std::string> words = split(lines[0], ' ');
  request.method = words.at(0);
  request.path = words.at(1);
  for (const std::string& line : lines)
    if (const std::size_t colon = line.find(':'); colon != std::string::npos)
      request.headers[to_lower(line.substr(0, colon))] = trim(std::string_view(line).substr(colon + 1));
  request.body = text.substr(text.find("\r\n\r\n") + 4);
  const std::string length = request.header("content-length");
  while (!length.empty() && request.body.size() < std::stoul(length)) {
    const ssize_t got = ::recv(connection, buffer, sizeof buffer, 0);
    if (got <= 0) return;
    request.body.append(buffer, static_cast<std::size_t>(got));
  }
  {
    const std::scoped_lock lock(mutex_);
    asked_.push_back(request.method + " " + request.path);
  }
  FakeAnswer answer = this->answer(request);
  if (answer.hang) {
    while (::recv(connection, buffer, sizeof buffer, 0) > 0) {
    }
    return;
  }
  std::string head = "HTTP/1.1 " + std::to_string(answer.status) + " X\r\nConnection: close\r\n";
  if (!answer.chunked) head += "Content-Length: " + std::to_string(answer.body.size()) + "\r\n";
  for (const std::string& header : answer.headers) head += header + "\r\n";
  head += "\r\n";
  ::send(connection, head.data(), head.size(), MSG_NOSIGNAL);
  if (request.method == "HEAD") return;
  for (std::size_t i = 0; i < answer.times; ++i) {
    std::string_view body = std::string_view(answer.body).substr(0, answer.cut_after);
    while (!body.empty()) {
      const ssize_t sent = ::send(connection, body.data(), std::min<std::size_t>(body.size(), 65536), MSG_NOSIGNAL);
      if (sent <= 0) return;
      if (request.path.find("/blobs/") != std::string::npos) blob_bytes_sent += static_cast<std::uint64_t>(sent);
      body.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
}

std::vector<std::string> FakeRegistry::asked() {
  const std::scoped_lock lock(mutex_);
  return asked_;
}

std::size_t FakeRegistry::count(const std::string& part) {
  const auto lines = asked();
  return static_cast<std::size_t>(
      std::ranges::count_if(lines, [&](const std::string& line) { return line.find(part) != std::string::npos; }));
}

FakeAnswer FakeRegistry::answer(const FakeRequest& request) {
  if (auto special = intercept(request)) return *std::move(special);
  const std::string last = request.path.substr(request.path.rfind('/') + 1);
  const bool blob = request.path.find("/blobs/") != std::string::npos;
  const auto& from = blob ? blobs : manifests;
  if (request.path == "/v2/") return {};
  const auto found = from.find(last);
  if (found == from.end()) return {404, {}, R"({"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]})"};
  FakeAnswer answer{200, {}, found->second};
  if (!blob) answer.headers.push_back("Content-Type: " + std::string(media::docker_manifest));
  if (!blob) answer.headers.push_back("Docker-Content-Digest: " + Digest::of(found->second).text());
  const auto range = request.headers.find("range");
  if (range == request.headers.end()) return answer;
  const std::size_t start = std::stoul(range->second.substr(6));
  if (start >= answer.body.size()) return {416, {}, ""};
  answer.status = 206;
  answer.body.erase(0, start);
  return answer;
}

void FakeRegistry::serve(const std::vector<std::string>& packed, const std::vector<std::string>& plain,
                         const std::function<void(Manifest&)>& change) {
  ImageConfig config;
  config.platform = Platform::host();
  for (const std::string& tar : plain) config.diff_ids.push_back(Digest::of(tar));
  const std::string text = format_config(config);
  blobs[Digest::of(text).text()] = text;
  Manifest manifest{std::string(media::docker_manifest),
                    {std::string(media::docker_config), Digest::of(text), text.size(), {}, {}, {}, false, {}},
                    {}};
  for (const std::string& layer : packed) {
    blobs[Digest::of(layer).text()] = layer;
    manifest.layers.push_back(
        {std::string(media::docker_layer_gzip), Digest::of(layer), layer.size(), {}, {}, {}, false, {}});
  }
  if (change) change(manifest);
  manifests["1"] = format_manifest(manifest);
}

}  // namespace consort::image
