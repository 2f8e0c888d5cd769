# Takes datagrams and connections on ports of both families, and counts them by port and source. Prints "ready", and when its input has ended
# "PROTOCOL PORT SOURCE NUMBER" lines. Datagrams to ADDRESS are answered from there (from any other, from the address of the way out).
#   perl receive.pl PORT|ADDRESS:PORT...
use strict;
use warnings;
use File::Basename qw(dirname);
require(dirname(__FILE__) . '/../../../src/lab/programs/endpoint.pl');

$| = 1;
my (%socket, %seen);
my $watched = '';
vec($watched, fileno(STDIN), 1) = 1;
for (@ARGV) {
  my ($port, $address) = reverse split /:/;
  for my $any ($address // ('0.0.0.0', '::')) {
    for my $protocol ($address ? 'udp' : ('tcp', 'udp')) {
      my $handle = open_socket($protocol, $any, $port, family_of($any)) // die "$protocol $port: $!\n";
      setsockopt($handle, SOL_SOCKET(), SO_RCVBUFFORCE(), pack('i', 8 << 20)) if $protocol eq 'udp';
      if ($protocol eq 'tcp') { listen($handle, 4096) or die "listen: $!\n" }
      $socket{fileno($handle)} = { handle => $handle, protocol => $protocol, port => $port };
      vec($watched, fileno($handle), 1) = 1;
    }
  }
}

sub SO_RCVBUFFORCE { return 33 }

my @connections;
sub take {
  my ($entry) = @_;
  for (1 .. 256) {
    if ($entry->{protocol} eq 'udp') {
      my $from = recv($entry->{handle}, my $text, 64, 0) // return;
      return if $from eq '';
      $seen{"udp $entry->{port} " . (parts_of($from))[0]}++;
      # Something must go back: replies are judged, too.
      send($entry->{handle}, $text, 0, $from);
    } else {
      my $from = accept(my $handle, $entry->{handle}) or return;
      $seen{"tcp $entry->{port} " . (parts_of($from))[0]}++;
      push @connections, $handle;
      shift @connections if @connections > 500;
    }
  }
}

print "ready\n";
while (1) {
  select(my $ready = $watched, undef, undef, undef);
  last if vec($ready, fileno(STDIN), 1);
  for my $n (numbers_in($ready)) { take($socket{$n}) }
}
print "$_ $seen{$_}\n" for sort keys %seen;
