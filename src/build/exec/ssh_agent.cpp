#include "build/exec/ssh_agent.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/os/files/file.hpp"
#include "base/os/files/plain_file.hpp"
#include "base/strings.hpp"

namespace consort::build {

namespace {

constexpr std::size_t max_key_bytes = 100 * 1024;

// Ends the agent when the other end of its input is closed, which is also the case when we are killed. Ctrl-C at the
// terminal is meant for us: we close that end once the build has been undone.
constexpr const char* guard_script =
    "trap '' HUP INT QUIT TERM\n"
    "eval \"$(ssh-agent -s -a \"$0\")\" >/dev/null\n"
    "[ -n \"$SSH_AGENT_PID\" ] || exit 1\n"
    "echo ready\n"
    "read -r _\n"
    "kill \"$SSH_AGENT_PID\"\n";

// Contains nothing of the user's agent, and no way to ask for a passphrase.
std::vector<std::string> own_environment(const std::string& socket) {
  const char* path = ::getenv("PATH");
  std::vector<std::string> environment{std::string("PATH=") + (path ? path : "/usr/bin:/bin"), "LC_ALL=C",
                                       "SSH_ASKPASS_REQUIRE=never"};
  if (!socket.empty()) environment.push_back("SSH_AUTH_SOCK=" + socket);
  return environment;
}

bool is_socket(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode);
}

std::unexpected<Error> bad_key(const std::string& file, std::string why) {
  Error error = Error(Code::invalid).why("failed to parse " + file + ": " + why);
  if (why.find("passphrase") != std::string::npos)
    error = std::move(error).hint("add it to your agent (ssh-add " + shell_quote(file) +
                                  ") and pass that to the build: --ssh default");
  return fail(std::move(error));
}

Result<> add_key(const std::string& file, const std::string& socket) {
  const std::string key = TRY_WRAP(read_plain_file(file, max_key_bytes), "read SSH key", file);
  SpawnOptions options;
  options.argv = {"ssh-add", "-q", "-"};  // from its input, so that the file's owner and mode do not matter
  options.environment = own_environment(socket);
  const Captured said = TRY(run_and_capture(std::move(options), key));
  if (said.status.success()) return {};
  // ssh-add asks for a passphrase whenever it cannot read a key without one.
  const bool secret = said.err.find("passphrase") != std::string::npos;
  const bool looks_like_key = key.find("PRIVATE KEY-----") != std::string::npos;
  return bad_key(file, secret && looks_like_key ? "this private key is passphrase protected" : "no private key found");
}

}  // namespace

Result<SshAgents> SshAgents::start(const std::vector<SshForward>& forwards, const std::string& user_socket,
                                   const std::string& directory) {
  SshAgents agents;
  agents.directory_ = directory;
  for (const SshForward& forward : forwards) {
    std::vector<std::string> paths;
    for (const std::string& path : split(forward.socket, ','))
      if (!path.empty()) paths.push_back(path);
    if (paths.empty()) paths.push_back(user_socket);
    if (paths[0].empty())
      return fail(Error(Code::invalid)
                      .why("invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set")
                      .hint("start an agent (eval \"$(ssh-agent)\"; ssh-add), or name a key: " +
                            (forward.id.empty() ? std::string("default") : forward.id) + "=FILE"));
    const bool socket = is_socket(paths[0]);
    if (socket && paths.size() > 1)
      return fail(Error(Code::invalid).why("only one socket is allowed for ssh forward " + forward.id));
    const std::string id = forward.id.empty() ? "default" : forward.id;
    agents.sockets_[id] = socket ? paths[0] : TRY(agents.serve_keys(paths));
    if (!socket) agents.own_ids_.insert(id);
  }
  return agents;
}

Result<std::string> SshAgents::serve_keys(const std::vector<std::string>& files) {
  TRY(make_directories(directory_, 0700));
  const std::string socket = directory_ + "/agent-" + std::to_string(own_.size());
  Pipe alive = TRY(make_pipe());
  Pipe ready = TRY(make_pipe());
  SpawnOptions options;
  options.argv = {"/bin/sh", "-c", guard_script, socket};
  options.environment = own_environment("");
  options.in = alive.read.get();
  options.out = ready.write.get();
  Own own;
  own.guard = TRY(spawn(options));
  own.alive = std::move(alive.write);
  ready.write.reset();
  char first = 0;
  ssize_t got;
  do got = ::read(ready.read.get(), &first, 1);
  while (got < 0 && errno == EINTR);
  if (got != 1)
    return fail(Error(Code::not_found, "start ssh-agent")
                    .why("a build with SSH keys needs OpenSSH's agent")
                    .hint("install it: apt install openssh-client"));
  own_.push_back(std::move(own));
  for (const std::string& file : files) TRY(add_key(file, socket));
  return socket;
}

std::string SshAgents::socket_of(std::string_view id) const {
  const auto found = sockets_.find(id);
  return found == sockets_.end() ? std::string() : found->second;
}

SshAgents::~SshAgents() {
  for (Own& own : own_) {
    own.alive.reset();
    (void)own.guard.wait();  // it ends right after it has ended the agent
  }
  if (!own_.empty()) (void)remove_tree(directory_);
}

}  // namespace consort::build
