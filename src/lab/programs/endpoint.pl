# What the lab's programs share: sockets by protocol and address, and how a peer is written.
use strict;
use warnings;
use Socket qw(:DEFAULT inet_pton inet_ntop pack_sockaddr_in6 unpack_sockaddr_in6 AF_INET6 IPV6_V6ONLY IPPROTO_IPV6);
use POSIX qw(:errno_h sysconf _SC_CLK_TCK);
use Fcntl qw(F_GETFL F_SETFL O_NONBLOCK);

my %TYPE = (tcp => [SOCK_STREAM, 6], udp => [SOCK_DGRAM, 17], sctp => [SOCK_STREAM, 132]);

# A non-blocking socket, bound where an address or a port is given ('' is any); undef with $! where that fails.
sub open_socket {
  my ($protocol, $address, $port, $family) = @_;
  my ($type, $number) = @{$TYPE{$protocol} // die "no protocol '$protocol'\n"};
  socket(my $socket, $family, $type, $number) or return undef;
  setsockopt($socket, SOL_SOCKET, SO_REUSEADDR, pack('i', 1));
  setsockopt($socket, IPPROTO_IPV6, IPV6_V6ONLY, pack('i', 1)) if $family == AF_INET6;
  fcntl($socket, F_SETFL, fcntl($socket, F_GETFL, 0) | O_NONBLOCK) or return undef;
  if ($address ne '' || $port ne '') {
    my $any = $family == AF_INET6 ? '::' : '0.0.0.0';
    bind($socket, address_of($address eq '' ? $any : $address, $port eq '' ? 0 : $port)) or return undef;
  }
  return $socket;
}

sub family_of { return $_[0] =~ /:/ ? AF_INET6 : AF_INET }

sub address_of {
  my ($host, $port) = @_;
  my $bytes = inet_pton(family_of($host), $host) // die "no address '$host'\n";
  return family_of($host) == AF_INET6 ? pack_sockaddr_in6($port, $bytes) : pack_sockaddr_in($port, $bytes);
}

# The source address that the kernel would choose on the way to a host.
sub source_towards {
  my ($host) = @_;
  socket(my $socket, family_of($host), SOCK_DGRAM, 17) or return '';
  return connect($socket, address_of($host, 9)) ? (parts_of(getsockname($socket)))[0] : '';
}

# Opens a socket to reach a host from. An SCTP client that is bound to no address tells the server all that it has, IPv6 and bridges
# included, and a server that had to send something twice tries another of them, past every translation: so it is bound to one.
sub open_client {
  my ($protocol, $source, $port, $to) = @_;
  $source = source_towards($to) if $protocol eq 'sctp' && $source eq '';
  return open_socket($protocol, $source, $port, family_of($to));
}

# The host and the port of a socket address.
sub parts_of {
  my ($address) = @_;
  my $family = sockaddr_family($address);
  my ($port, $bytes) = $family == AF_INET6 ? unpack_sockaddr_in6($address) : unpack_sockaddr_in($address);
  return (inet_ntop($family, $bytes), $port);
}

sub endpoint_text { my ($host, $port) = @_; return $host =~ /:/ ? "[$host]:$port" : "$host:$port" }

# The file numbers in a bit vector of select: with thousands of connections, looking at each of them would take all the time.
sub numbers_in {
  my $bits = unpack('b*', $_[0]);
  my @numbers;
  for (my $n = index($bits, '1'); $n >= 0; $n = index($bits, '1', $n + 1)) { push @numbers, $n }
  return @numbers;
}

# Milliseconds that only ever grow, in steps of ten.
my $TICK = 1000 / sysconf(_SC_CLK_TCK);
sub now_ms { return (POSIX::times())[0] * $TICK }

# The number of setns(2) on the processors that Debian's perl runs on: x86-64, else the common table of newer ones.
my $SETNS = (POSIX::uname())[4] eq 'x86_64' ? 308 : 268;

# From here on this process is in that network namespace: its sockets and its view of /proc/sys/net.
sub enter_namespace {
  my ($name) = @_;
  open(my $namespace, '<', "/run/netns/$name") or die "no namespace $name: $!\n";
  syscall($SETNS, fileno($namespace), 0x40000000) == 0 or die "cannot enter $name: $!\n";
}

my %NAME = (
  ECONNREFUSED() => 'refused', EHOSTUNREACH() => 'host-unreachable', ENETUNREACH() => 'net-unreachable',
  ETIMEDOUT() => 'timeout', ECONNRESET() => 'reset', EPIPE() => 'reset', EACCES() => 'not-permitted', EPERM() => 'not-permitted',
);

# The word for an errno.
sub outcome_of { my ($errno) = @_; return $NAME{$errno} // do { local $! = $errno; "error: $!" } }

1;
