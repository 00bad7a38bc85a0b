#include "registry_fixture.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <thread>

namespace consort::image {

namespace {

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

}  // namespace

int free_port() {
  const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = loopback(0);
  socklen_t length = sizeof address;
  ::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), length);
  ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &length);
  return ntohs(address.sin_port);
}

bool wait_for_port(int port) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (std::chrono::steady_clock::now() < end) {
    const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in address = loopback(port);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

std::optional<RegistryServer> RegistryServer::start(const RegistrySettings& settings) {
  if (!path_exists("/usr/bin/docker-registry")) return std::nullopt;
  RegistryServer server;
  server.port_ = free_port();
  const std::string& directory = server.directory_->path();
  std::string config =
      "version: 0.1\nlog: {accesslog: {disabled: true}, level: error}\nstorage:\n  filesystem: {rootdirectory: " +
      server.data() + "}\n  delete: {enabled: true}\n";
  if (!settings.storage.empty())
    config += "middleware:\n  storage: [{name: redirect, options: {baseurl: \"" + settings.storage + "\"}}]\n";
  if (settings.password) {
    // htpasswd -nbB tester secret
    EXPECT_TRUE(write_file_atomic(directory + "/htpasswd",
                                  "tester:$2y$04$xKmLhAsOLLtlEdOGVhGOmeKn/v43bhWfg3fsjM1x4H82Oe5ZDKUzu\n"));
    config += "auth:\n  htpasswd: {realm: tests, path: " + directory + "/htpasswd}\n";
  }
  config += "http:\n  addr: " + server.host() + "\n";
  if (settings.tls) {
    const std::string make =
        "cd " + directory +
        " && exec >/dev/null 2>&1 && echo subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:registry.localhost > names"
        " && openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -out request.pem"
        " -subj /CN=127.0.0.1 && sign() { openssl x509 -req -in request.pem -signkey key.pem -extfile names -out "
        "cert.pem"
        " \"$@\"; } && " +
        // OpenSSL 3.5 refuses negative days; before 3.4, that is the only way.
        (settings.expired ? "{ sign -days -1 || sign -not_before 20200101000000Z -not_after 20200102000000Z; }"
                          : "sign -days 2");
    EXPECT_EQ(std::system(make.c_str()), 0);
    for (const char* name : {"127.0.0.1:", "registry.localhost:"}) {
      const std::string certs = server.certificates() + "/" + name + std::to_string(server.port_);
      EXPECT_TRUE(make_directories(certs));
      EXPECT_TRUE(write_file_atomic(certs + "/ca.crt", read_file(directory + "/cert.pem").value()));
    }
    config += "  tls: {certificate: " + directory + "/cert.pem, key: " + directory + "/key.pem}\n";
  }
  EXPECT_TRUE(write_file_atomic(directory + "/config.yml", config));
  const Fd log = std::move(open_file(directory + "/log", O_WRONLY | O_CREAT)).value();
  SpawnOptions options;
  options.argv = {"docker-registry", "serve", directory + "/config.yml"};
  options.out = options.err = log.get();
  auto process = spawn(options);
  EXPECT_TRUE(process);
  server.process_ = std::move(*process);
  EXPECT_TRUE(wait_for_port(server.port_)) << read_file(directory + "/log").value();
  return server;
}

std::string RegistryServer::mirror_conf() const {
  const std::string path = directory_->path() + "/registries.conf";
  EXPECT_TRUE(write_file_atomic(
      path, "[[registry]]\nprefix = \"docker.io\"\nlocation = \"127.0.0.1:1\"\n[[registry.mirror]]\nlocation = \"" +
                host() + "\"\ninsecure = true\n"));
  return path;
}

}  // namespace consort::image
