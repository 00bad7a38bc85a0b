# What Testcontainers expects of its reaper: takes filters from a client, and when that has gone removes what they name,
# itself as the last, through the API's socket that it has mounted.
use strict;
use warnings;
use IO::Socket::INET;
use IO::Socket::UNIX;

sub ask {
  my ($method, $path) = @_;
  my $api = IO::Socket::UNIX->new('/var/run/docker.sock') or die "connect: $!";
  print $api "$method $path HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n";
  local $/;
  return <$api>;
}

$| = 1;
my $door = IO::Socket::INET->new(LocalPort => 8080, Listen => 9, ReuseAddr => 1) or die "listen: $!";
print "Started\n";
my $client = $door->accept;
my @labels;
while (my $line = <$client>) {
  push @labels, $1 if $line =~ /^label=(\S+)/;
  print $client "ACK\n";
}
chomp(my $self = `hostname`);
for my $label (@labels) {
  my $listed = ask('GET', "/containers/json?all=1&filters=%7B%22label%22%3A%5B%22$label%22%5D%7D");
  for my $id (sort { ($a =~ /^$self/) <=> ($b =~ /^$self/) } $listed =~ /"Id":"([0-9a-f]{64})"/g) {
    ask('DELETE', "/containers/$id?force=1&v=1");
  }
}
