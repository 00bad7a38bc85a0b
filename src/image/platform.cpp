#include "image/platform.hpp"

#include <sys/utsname.h>

#include <algorithm>
#include <array>

#include "base/strings.hpp"

namespace consort::image {

namespace {

struct Alias {
  std::string_view name, architecture, variant;
};
constexpr std::array aliases{
    Alias{"x86_64", "amd64", ""}, Alias{"x86-64", "amd64", ""}, Alias{"aarch64", "arm64", ""},
    Alias{"armhf", "arm", "v7"},  Alias{"armel", "arm", "v6"},  Alias{"armv7l", "arm", "v7"},
    Alias{"armv6l", "arm", "v6"}, Alias{"i386", "386", ""},     Alias{"i686", "386", ""},
};

// Architectures that may be specified without an operating system.
constexpr std::array<std::string_view, 15> architectures{"386",     "amd64",   "arm",    "arm64",    "loong64",
                                                         "mips",    "mipsle",  "mips64", "mips64le", "ppc64",
                                                         "ppc64le", "riscv64", "s390x",  "sparc64",  "wasm"};

// arm64 without a variant means v8, arm without one means v7.
std::string normal_variant(const Platform& platform) {
  if (platform.architecture == "arm64" && platform.variant == "v8") return "";
  if (platform.architecture == "arm" && platform.variant.empty()) return "v7";
  if (platform.architecture == "amd64" && platform.variant == "v1") return "";
  return platform.variant;
}

Platform normalise(std::string os, std::string architecture, std::string variant) {
  Platform platform{to_lower(os), to_lower(architecture), to_lower(variant)};
  for (const Alias& alias : aliases) {
    if (platform.architecture != alias.name) continue;
    platform.architecture = alias.architecture;
    if (platform.variant.empty()) platform.variant = alias.variant;
  }
  platform.variant = normal_variant(platform);
  return platform;
}

}  // namespace

Platform Platform::host() {
  utsname name{};
  ::uname(&name);
  return normalise("linux", name.machine, "");
}

Result<Platform> Platform::parse(std::string_view text) {
  const auto parts = split(text, '/');
  const bool fine = std::ranges::all_of(parts, [](const std::string& part) {
    return !part.empty() &&
           part.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") ==
               std::string::npos;
  });
  if (!fine || parts.size() > 3)
    return fail(Error(Code::invalid, "parse platform")
                    .on("\"" + std::string(text) + "\"")
                    .why("expected os/architecture[/variant], for example linux/arm64"));
  if (parts.size() == 1) {
    if (to_lower(parts[0]) == "linux") {
      Platform host = Platform::host();
      return host;
    }
    Platform platform = normalise("linux", parts[0], "");
    if (std::ranges::find(architectures, platform.architecture) == architectures.end()) {
      return fail(Error(Code::invalid, "parse platform")
                      .on("\"" + std::string(text) + "\"")
                      .why("unknown operating system or architecture"));
    }
    return platform;
  }
  return normalise(parts[0], parts[1], parts.size() == 3 ? parts[2] : "");
}

std::string Platform::text() const {
  return os + "/" + architecture + (variant.empty() ? "" : "/" + variant);
}

int match(const Platform& wanted, const Platform& offered) {
  const Platform have = normalise(offered.os, offered.architecture, offered.variant);
  const Platform want = normalise(wanted.os, wanted.architecture, wanted.variant);
  if (want.os != have.os) return 0;
  if (want.architecture == "amd64" && have.architecture == "386") return 1;
  if (want.architecture == "arm64" && have.architecture == "arm") return 1;
  if (want.architecture != have.architecture) return 0;
  if (want.variant == have.variant) return 100;
  // "v3" runs on a "v7" machine; the highest one that is not above it is best. No variant is the lowest.
  const auto rank = [](const std::string& variant) {
    return variant.size() > 1 ? static_cast<int>(parse_unsigned(variant.substr(1)).value_or(0) % 50) : 0;
  };
  const int distance = rank(want.variant) - rank(have.variant);
  return distance > 0 ? 99 - distance : 0;
}

}  // namespace consort::image
