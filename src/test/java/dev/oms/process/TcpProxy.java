package dev.oms.process;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** A TCP proxy that can simulate a network outage. */
public final class TcpProxy implements AutoCloseable {
    private final ServerSocket server;
    private final int target;
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();
    private final Set<Socket> silenced = ConcurrentHashMap.newKeySet();
    private volatile boolean isDown;
    private volatile boolean isSilent;

    /** @param target the port of the server on this machine */
    public TcpProxy(int target) throws IOException {
        this.target = target;
        this.server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        Thread.ofVirtual().start(this::accept);
    }

    public int port() {
        return server.getLocalPort();
    }

    /** Closes all connections, and refuses new ones until {@link #restore()}. */
    public void disconnect() {
        isDown = true;
        open.forEach(TcpProxy::close);
    }

    public void restore() {
        isDown = false;
        isSilent = false;
    }

    /**
     * Drops whatever arrives on the present connections from now on. None is closed, so neither side notices. New ones
     * are not affected.
     */
    public void silence() {
        silenced.addAll(open);
    }

    /** The same, and drops whatever arrives on new connections, until {@link #restore()}. */
    public void silenceAll() {
        isSilent = true;
        silence();
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket client = server.accept();
                if (isDown) {
                    close(client);
                    continue;
                }
                Socket upstream = new Socket(InetAddress.getLoopbackAddress(), target);
                open.add(client);
                open.add(upstream);
                if (isSilent) {
                    silenced.add(client);
                    silenced.add(upstream);
                }
                Thread.ofVirtual().start(() -> copy(client, upstream));
                Thread.ofVirtual().start(() -> copy(upstream, client));
            } catch (IOException e) {
                // The proxy was closed, or the client has hung up already.
            }
        }
    }

    private void copy(Socket from, Socket to) {
        try {
            byte[] buffer = new byte[8192];
            int length;
            while ((length = from.getInputStream().read(buffer)) >= 0) {
                if (!silenced.contains(from)) {
                    to.getOutputStream().write(buffer, 0, length);
                }
            }
        } catch (IOException e) {
            // Either side has closed the connection.
        } finally {
            close(from);
            close(to);
            open.remove(from);
            open.remove(to);
            silenced.remove(from);
            silenced.remove(to);
        }
    }

    private static void close(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() throws IOException {
        disconnect();
        server.close();
    }
}
