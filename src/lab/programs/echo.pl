# The lab's servers: each answers who it is and which source address it sees.
#   perl echo.pl 'NAMESPACE PROTOCOL,ADDRESS,PORT[,NAME] ...' ...    (NAME 'silent': accepts and says nothing)
# Answers a line (TCP, SCTP) or a datagram (UDP) with "ENDPOINT SOURCE LINE"; "push MS" makes it send such a line by itself every
# MS milliseconds from then on; "GET ..." gets an HTTP answer. Ends when every server listens, and leaves them behind. Perl because Node.js has
# neither SCTP nor raw sockets, because perl-base is part of every Debian and Ubuntu, and because nine of these take 50 MB.
use strict;
use warnings;
use File::Basename qw(dirname);
require(dirname(__FILE__) . '/endpoint.pl');

$SIG{PIPE} = 'IGNORE';
my (%socket, %push);    # by file number
my $watched = '';

sub watch { my ($entry) = @_; my $n = fileno($entry->{handle}); $socket{$n} = $entry; vec($watched, $n, 1) = 1 }

sub forget { my ($n) = @_; vec($watched, $n, 1) = 0; close(delete($socket{$n})->{handle}); delete $push{$n} }

sub answer { my ($entry, $source, $line) = @_; return "$entry->{name} $source $line\n" }

sub read_stream {
  my ($n) = @_;
  my $entry = $socket{$n};
  my $got = sysread($entry->{handle}, my $text, 65536);
  return if !defined $got && $! == EAGAIN();
  return forget($n) if !$got;
  return if $entry->{name} eq 'silent';
  $entry->{text} .= $text;
  while ($entry->{text} =~ s/^([^\n]*?)\r?\n//) {
    my $line = $1;
    if ($line =~ /^(GET|HEAD) /) {
      my $body = "endpoint $entry->{name}\nsource $entry->{source}\n";
      syswrite($entry->{handle}, "HTTP/1.0 200 OK\r\nContent-Length: " . length($body) . "\r\n\r\n$body");
      shutdown($entry->{handle}, 1);
      $entry->{text} = '';
      return;
    }
    $push{$n} = { every => $1, next => 0, to => undef, source => $entry->{source} } if $line =~ /^push (\d+)$/;
    syswrite($entry->{handle}, answer($entry, $entry->{source}, $line));
  }
}

sub read_datagrams {
  my ($n) = @_;
  my $entry = $socket{$n};
  for (1 .. 64) {
    my $from = recv($entry->{handle}, my $text, 65536, 0) // return;
    return if $from eq '';
    my ($source) = parts_of($from);
    chomp($text);
    $push{"$n $from"} = { every => $1, next => 0, to => $from, source => $source } if $text =~ /^push (\d+)$/;
    delete $push{"$n $from"} if $text eq 'quiet';
    send($entry->{handle}, answer($entry, $source, $text), 0, $from);
  }
}

sub accept_all {
  my ($n) = @_;
  while (my $from = accept(my $handle, $socket{$n}{handle})) {
    fcntl($handle, POSIX::F_SETFL(), POSIX::O_NONBLOCK());
    my ($source) = parts_of($from);
    watch({ kind => 'stream', handle => $handle, name => $socket{$n}{name}, source => $source, text => '' });
  }
}

sub push_due {
  my $now = now_ms();
  for my $key (keys %push) {
    my $job = $push{$key};
    next if $now < $job->{next};
    $job->{next} = $now + $job->{every};
    my ($n) = split / /, $key;
    my $text = answer($socket{$n}, $job->{source}, 'pushed');
    defined $job->{to} ? send($socket{$n}{handle}, $text, 0, $job->{to}) : syswrite($socket{$n}{handle}, $text);
  }
}

sub listen_at {
  my ($spec) = @_;
  my ($protocol, $address, $port, $name) = split /,/, $spec;
  my $handle = open_socket($protocol, $address, $port, family_of($address)) // die "cannot listen on $spec: $!\n";
  if ($protocol ne 'udp') { listen($handle, 4096) or die "cannot listen on $spec: $!\n" }
  watch({ kind => $protocol eq 'udp' ? 'udp' : 'listen', handle => $handle, name => $name // endpoint_text($address, $port) });
}

my %READ = (udp => \&read_datagrams, listen => \&accept_all, stream => \&read_stream);
sub serve {
  while (1) {
    my $ready = $watched;
    $ready = '' if select($ready, undef, undef, %push ? 0.01 : undef) <= 0;
    for my $n (numbers_in($ready)) { $READ{$socket{$n}{kind}}->($n) if exists $socket{$n} }
    push_due() if %push;
  }
}

# A process for each namespace. This one leaves when all of them listen, which each says by closing its end of the pipe.
pipe(my $wait, my $listening);
my @children;
for my $place (@ARGV) {
  my ($namespace, @specs) = split / /, $place;
  my $pid = fork // die "fork: $!\n";
  if ($pid) { push @children, $pid; next }
  POSIX::setsid();
  enter_namespace($namespace);
  listen_at($_) for @specs;
  open(STDIN, '<', '/dev/null');
  open(STDOUT, '>', '/dev/null');
  open(STDERR, '>', '/dev/null');
  close($wait);
  close($listening);
  serve();
}
close($listening);
1 while sysread($wait, my $nothing, 1);
for my $pid (@children) { waitpid($pid, POSIX::WNOHANG()) == 0 or exit 1 }
