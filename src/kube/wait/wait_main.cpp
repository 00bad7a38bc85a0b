// consort-wait: an init container that runs before a service's own container on a cluster.
//
//   consort-wait NAME...
//
// Exits once each name resolves to an address. A name that stands for ready pods (a headless Service) has none before.
// It only uses DNS, so the pod needs no access to the cluster's API. Static, and without the C++ library: it is the
// only file in its image.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <initializer_list>

#include "kube/wait/answer.hpp"

namespace {

using consort::kube::type_a;
using consort::kube::type_aaaa;

constexpr int most_servers = 3;
constexpr size_t longest_domain = 254;
constexpr int answer_within = 2000;  // ms
constexpr time_t pause_seconds = 1;

struct Settings {
  sockaddr_storage servers[most_servers];
  socklen_t sizes[most_servers];
  int server_count = 0;
  char domain[longest_domain] = "";  // of the pod's namespace; "" if there is none
};

void add_server(Settings& to, const char* text) {
  if (to.server_count == most_servers) return;
  sockaddr_storage& made = to.servers[to.server_count];
  memset(&made, 0, sizeof made);
  auto* four = reinterpret_cast<sockaddr_in*>(&made);
  auto* six = reinterpret_cast<sockaddr_in6*>(&made);
  if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
    four->sin_family = AF_INET;
    four->sin_port = htons(53);
    to.sizes[to.server_count++] = sizeof *four;
  } else if (inet_pton(AF_INET6, text, &six->sin6_addr) == 1) {
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(53);
    to.sizes[to.server_count++] = sizeof *six;
  }
}

// "shop.svc.cluster.local". Only the namespace's own domain is used: the node's domains, and those from the file,
// follow it in the list, and one of them may answer for every name.
bool is_of_namespace(const char* domain) {
  const char* dot = strchr(domain, '.');
  return dot && dot != domain && strncmp(dot, ".svc.", 5) == 0 && strlen(domain) < longest_domain;
}

// Reads /etc/resolv.conf, which the kubelet writes. It is read again each time, because that costs almost nothing.
Settings read_settings() {
  Settings made;
  FILE* file = fopen("/etc/resolv.conf", "re");
  if (!file) return made;
  char line[4096];
  while (fgets(line, sizeof line, file)) {
    char* rest = nullptr;
    const char* key = strtok_r(line, " \t\n", &rest);
    if (!key) continue;
    const bool search = strcmp(key, "search") == 0;
    if (search) made.domain[0] = 0;  // the last "search" line counts
    while (const char* word = strtok_r(nullptr, " \t\n", &rest)) {
      if (strcmp(key, "nameserver") == 0) add_server(made, word);
      if (search && !made.domain[0] && is_of_namespace(word)) strcpy(made.domain, word);
    }
  }
  fclose(file);
  return made;
}

// Encodes "db.shop.svc" as a DNS question; returns 0 if it does not fit.
size_t question(unsigned char* into, size_t room, const char* name, const char* domain, unsigned char type,
                const unsigned char id[2]) {
  const unsigned char head[12] = {id[0], id[1], 1, 0, 0, 1};  // recursion desired; one question
  memcpy(into, head, sizeof head);
  size_t at = sizeof head;
  for (const char* part : {name, domain})
    while (*part) {
      const char* dot = strchr(part, '.');
      const size_t length = dot ? static_cast<size_t>(dot - part) : strlen(part);
      if (length > 63 || at + length + 6 > room) return 0;
      if (length > 0) {
        into[at++] = static_cast<unsigned char>(length);
        for (size_t i = 0; i < length; ++i) into[at++] = static_cast<unsigned char>(part[i]);
      }
      part += length + (dot ? 1 : 0);
    }
  const unsigned char tail[5] = {0, 0, type, 0, 1};
  memcpy(into + at, tail, sizeof tail);
  return at + sizeof tail;
}

// True if the server's answer contains an address.
bool ask(const sockaddr_storage& server, socklen_t size, const char* name, const char* domain, unsigned char type) {
  unsigned char id[2], query[512], answer[4096];
  if (getrandom(id, sizeof id, 0) != sizeof id) return false;
  const size_t length = question(query, sizeof query, name, domain, type, id);
  const int sock = length ? socket(server.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
  if (sock < 0) return false;
  bool found = false;
  // The socket is connected, so that only this server can answer.
  if (connect(sock, reinterpret_cast<const sockaddr*>(&server), size) == 0 &&
      send(sock, query, length, MSG_NOSIGNAL) == static_cast<ssize_t>(length)) {
    pollfd ready{sock, POLLIN, 0};
    const ssize_t got = poll(&ready, 1, answer_within) > 0 ? recv(sock, answer, sizeof answer, 0) : -1;
    found = got >= 2 && answer[0] == id[0] && answer[1] == id[1] &&
            consort::kube::has_address_record(answer, static_cast<size_t>(got));
  }
  close(sock);
  return found;
}

bool has_address(const Settings& settings, const char* name) {
  const bool whole = strchr(name, '.') != nullptr;
  if (!whole && !settings.domain[0]) return false;
  for (int server = 0; server < settings.server_count; ++server)
    for (const unsigned char type : {type_a, type_aaaa})
      if (ask(settings.servers[server], settings.sizes[server], name, whole ? "" : settings.domain, type)) return true;
  return false;
}

}  // namespace

int main(int count, char** names) {
  // The kernel applies no default signal actions to process 1.
  signal(SIGTERM, [](int) { _exit(128 + SIGTERM); });
  signal(SIGINT, [](int) { _exit(128 + SIGINT); });
  for (int i = 1; i < count; ++i) {
    for (bool told = false; !has_address(read_settings(), names[i]); told = true) {
      if (!told) dprintf(STDOUT_FILENO, "waiting for %s\n", names[i]);
      const timespec pause{pause_seconds, 0};
      nanosleep(&pause, nullptr);
    }
  }
  return 0;
}
