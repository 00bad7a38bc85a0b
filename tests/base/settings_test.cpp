#include "base/settings.hpp"

#include <gtest/gtest.h>

namespace consort {
namespace {

std::string refusal(std::string_view text) {
  const Result<Settings> settings = parse_settings(text, "consort.conf");
  return settings ? "" : settings.error().message() + " / " + settings.error().hint_text();
}

TEST(SettingsTest, EachLineIsASettingOrNothing) {
  const Settings defaults = parse_settings("\n  # userns = \"auto\"\n", "x").value();
  EXPECT_EQ(defaults.users, Settings::Users::of_machine);
  EXPECT_EQ(defaults.published_ports, Settings::PublishedPorts::open);
  const Settings said = parse_settings("userns=\"auto\" # why\r\n published_ports = \"filtered\"", "x").value();
  EXPECT_EQ(said.users, Settings::Users::automatic);
  EXPECT_EQ(said.published_ports, Settings::PublishedPorts::filtered);
}

TEST(SettingsTest, WhatIsNotUnderstoodIsRefusedWithItsLine) {
  EXPECT_EQ(refusal("\nuserns = \"maybe\""),
            "read settings consort.conf:2: userns is \"maybe\" / write \"auto\" or \"host\"");
  EXPECT_EQ(refusal("colour = \"red\""),
            "read settings consort.conf:1: there is no setting \"colour\" / the settings are: published_ports, userns");
  for (const char* text : {"userns", "userns = auto", "userns = \"auto", "userns = \"a\" \"b\"", "= \"x\"", "\"\"=\""})
    EXPECT_NE(refusal(text), "") << text;
}

}  // namespace
}  // namespace consort
