# Sends one datagram each to addresses that many may listen to (broadcast, multicast, anycast), and tells who answered, whatever its address.
#   perl shout.pl TIMEOUT-MS 'SOURCE DESTINATION PORT' ...      (a line for each: ENDPOINT SOURCE-SEEN, or "timeout")
use strict;
use warnings;
use Socket qw(:DEFAULT getaddrinfo);

use constant SO_BINDTODEVICE => 25;    # asm-generic/socket.h; Socket.pm does not know it

my ($timeout, @shouts) = @ARGV;
for (@shouts) {
  my ($source, $destination, $port) = split / /;
  my ($problem, $to) = getaddrinfo($destination . ($destination =~ /^ff/ ? '%eth0' : ''), $port, { flags => 4, socktype => SOCK_DGRAM });
  die "$destination: $problem\n" if $problem;
  (my $wrong, my $from) = getaddrinfo($source, 0, { flags => 4, socktype => SOCK_DGRAM });
  die "$source: $wrong\n" if $wrong;
  socket(my $socket, $to->{family}, SOCK_DGRAM, 17) or die "socket: $!\n";
  setsockopt($socket, SOL_SOCKET, SO_BROADCAST, pack('i', 1));
  # Where a route alone decides, 224.0.0.1 and 255.255.255.255 would need one.
  setsockopt($socket, SOL_SOCKET, SO_BINDTODEVICE, "eth0\0");
  bind($socket, $from->{addr}) or die "bind $source: $!\n";
  send($socket, "hello\n", 0, $to->{addr}) or die "send to $destination: $!\n";
  my $ready = '';
  vec($ready, fileno($socket), 1) = 1;
  if (select($ready, undef, undef, $timeout / 1000) > 0 && defined recv($socket, my $text, 65536, 0)) {
    my ($endpoint, $seen) = split / /, $text;
    print "$endpoint $seen\n";
  }
  else { print "timeout\n" }
}
