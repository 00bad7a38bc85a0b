#include "place/make/namespaces.hpp"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "base/os/files/file.hpp"
#include "base/os/processes/process.hpp"
#include "base/strings.hpp"
#include "place/holder/protocol.hpp"
#include "place/make/ids.hpp"
#include "place/paths.hpp"

namespace consort::place {

namespace {

constexpr const char* subuid_file = "/etc/subuid";
constexpr const char* subgid_file = "/etc/subgid";

// The child's progress, reported with its errno, one int each.
enum class Stage : int { user_namespace, other_namespaces, ready };
struct Told {
  Stage stage;
  int error;
};

void bring_loopback_up() {
  const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  request.ifr_name[0] = 'l';
  request.ifr_name[1] = 'o';
  if (!socket || ::ioctl(socket.get(), SIOCGIFFLAGS, &request) != 0) return;
  request.ifr_flags |= IFF_UP;
  ::ioctl(socket.get(), SIOCSIFFLAGS, &request);
}

bool tell(int pipe, Stage stage, int error) {
  const Told told{stage, error};
  return ::write(pipe, &told, sizeof told) == static_cast<ssize_t>(sizeof told);
}

// The first process of the namespaces: it lives until its descriptors of them have been taken.
[[noreturn]] void be_first(int tell_pipe, int hear_pipe) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const bool made = ::unshare(CLONE_NEWUSER) == 0;
  char go;
  if (!tell(tell_pipe, Stage::user_namespace, made ? 0 : errno) || !made) ::_exit(1);
  if (::read(hear_pipe, &go, 1) != 1) ::_exit(1);
  // Later mounts on the host appear here, too, but not the other way round.
  const bool all =
      ::unshare(CLONE_NEWNS | CLONE_NEWNET) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) == 0;
  const int error = errno;
  if (all) bring_loopback_up();
  if (!tell(tell_pipe, all ? Stage::ready : Stage::other_namespaces, all ? 0 : error)) ::_exit(1);
  (void)!::read(hear_pipe, &go, 1);
  ::_exit(0);
}

std::string first_line_of(const std::string& path) {
  const Result<std::string> text = read_file(path, 4096);
  return text ? std::string(trim(*text)) : "";
}

Error user_namespace_error(int number) {
  Error error = errno_error(number, "create a user namespace");
  const auto says = [](const char* file, const char* value) { return first_line_of(file) == value; };
  if (says("/proc/sys/kernel/unprivileged_userns_clone", "0"))
    error.data().hint = "allow users to create one: sudo sysctl -w kernel.unprivileged_userns_clone=1";
  else if (says("/proc/sys/user/max_user_namespaces", "0"))
    error.data().hint = "allow users to create one: sudo sysctl -w user.max_user_namespaces=15000";
  else if (says("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1"))
    error.data().hint =
        "AppArmor does not allow it without a profile: sudo sysctl -w "
        "kernel.apparmor_restrict_unprivileged_userns=0";
  else
    error.data().hint = "use sudo, or a machine where user namespaces are allowed";
  return error;
}

std::string find_program(const std::string& name) {
  const char* const path = ::getenv("PATH");
  for (const std::string& directory : split(std::string(path ? path : "") + ":/usr/bin:/usr/sbin:/usr/local/bin", ':'))
    if (!directory.empty() && ::access((directory + "/" + name).c_str(), X_OK) == 0) return directory + "/" + name;
  return {};
}

std::vector<IdRange> ranges_in(const char* file) {
  const Result<std::string> text = read_file(file, std::size_t{16} << 20);
  return text ? parse_subordinate(*text, user_name(::getuid()), ::getuid()) : std::vector<IdRange>();
}

// Uses newuidmap and newgidmap: setuid programs that check /etc/subuid themselves. Returns "" or the reason for
// failure.
Result<MissingIds> map_with_programs(pid_t pid) {
  MissingIds missing = missing_ids();
  if (!missing.why.empty()) return missing;
  const auto map = [&](const char* program, unsigned own, const char* file) -> Result<std::string> {
    std::vector<std::string> argv{program, std::to_string(pid)};
    for (std::string& word : map_arguments(own, ranges_in(file))) argv.push_back(std::move(word));
    const Captured ran = TRY(run_and_capture({.argv = argv}));
    return ran.status.success() ? std::string() : program + (": " + std::string(trim(ran.err)));
  };
  missing.why = TRY(map("newuidmap", ::getuid(), subuid_file));
  if (!missing.why.empty()) {
    missing.command = "sudo apt-get install --reinstall uidmap";  // it must be setuid, or have the file capability
    return missing;
  }
  if (std::string why = TRY(map("newgidmap", ::getgid(), subgid_file)); !why.empty())
    return fail(Error(Code::denied, "map groups into the user namespace")
                    .why(why)
                    .hint("sudo apt-get install --reinstall uidmap"));
  return missing;
}

// A single user, which needs no permission: root inside is the user outside.
Result<> map_own_id(pid_t pid) {
  const std::string directory = "/proc/" + std::to_string(pid);
  const auto write = [&](const char* file, const std::string& text) -> Result<> {
    const Fd fd = TRY(open_file(directory + file, O_WRONLY));
    return write_full(fd.get(), text);
  };
  TRY_WRAP(write("/setgroups", "deny"), "map users");
  TRY_WRAP(write("/uid_map", "0 " + std::to_string(::getuid()) + " 1\n"), "map users");
  TRY_WRAP(write("/gid_map", "0 " + std::to_string(::getgid()) + " 1\n"), "map groups");
  return {};
}

Result<> hear(const Fd& pipe) {
  Told told{};
  const std::size_t got = TRY(read_full(pipe.get(), std::as_writable_bytes(std::span(&told, 1))));
  if (got != sizeof told) return fail(Error(Code::io, "create a user namespace").why("its first process was killed"));
  if (told.error == 0) return {};
  if (told.stage == Stage::user_namespace) return fail(user_namespace_error(told.error));
  return fail_errno(told.error, "create mount and network namespace");
}

}  // namespace

MissingIds missing_ids() {
  const std::string name = user_name(::getuid());
  for (const char* program : {"newuidmap", "newgidmap"})
    if (find_program(program).empty())
      return {std::string(program) + " is not installed", "sudo apt-get install uidmap"};
  for (const char* file : {subuid_file, subgid_file})
    if (ranges_in(file).empty())
      return {std::string(file) + " has no range of IDs for " + name,
              "sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 " + name};
  return {};
}

Result<Namespaces> make_namespaces() {
  Pipe to_us = TRY(make_pipe()), to_child = TRY(make_pipe());
  const pid_t pid = ::fork();
  if (pid < 0) return fail_errno("fork");
  if (pid == 0) {
    to_child.write.reset();
    be_first(to_us.write.get(), to_child.read.get());
  }
  const ChildGuard first(pid);
  to_us.write.reset();
  TRY(hear(to_us.read));
  Namespaces made;
  made.missing = TRY(map_with_programs(pid));
  if (!made.missing.why.empty()) TRY(map_own_id(pid));
  TRY(write_full(to_child.write.get(), "g"));
  TRY(hear(to_us.read));
  const std::string directory = "/proc/" + std::to_string(pid) + "/ns/";
  made.user = TRY(open_file(directory + "user", O_RDONLY));
  made.mount = TRY(open_file(directory + "mnt", O_RDONLY));
  made.network = TRY(open_file(directory + "net", O_RDONLY));
  return made;
}

// Uses addresses of our own instead of the host's, which containers must be able to reach: to them the host is another
// machine. The host's loopback is left out, because services there trust everyone who can reach them. Published ports
// do not go through the link.
std::vector<std::string> link_arguments() {
  const std::string network = "/proc/PID/ns/net", user = "/proc/PID/ns/user";
  if (const std::string pasta = find_program("pasta"); !pasta.empty())
    return {pasta,          "--config-net", "--address", "169.254.97.2", "--netmask", "30",      "--gateway",
            "169.254.97.1", "--no-map-gw",  "-t",        "none",         "-u",        "none",    "-T",
            "none",         "-U",           "none",      "--ns-ifname",  "outside",   "--quiet", "--no-netns-quit",
            "--userns",     user,           "--netns",   network};
  if (const std::string slirp = find_program("slirp4netns"); !slirp.empty())
    return {slirp,          "--configure",       "--mtu=65520",           "--disable-host-loopback",
            "--ready-fd=3", "--netns-type=path", "--userns-path=" + user, network,
            "outside"};
  return {};
}

std::string link_hint() {
  const std::string tun = "/dev/net/tun";
  if (link_arguments().empty()) return "sudo apt-get install passt";
  if (!path_exists(tun)) return "sudo modprobe tun";
  if (::access(tun.c_str(), R_OK | W_OK) != 0) return "sudo chmod 666 " + tun;
  return "see docs/troubleshooting.md";
}

}  // namespace consort::place
