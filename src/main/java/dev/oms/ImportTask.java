package dev.oms;

import dev.oms.http.Causes;
import dev.oms.rails.ImportConfig;
import dev.oms.rails.ImportRails;
import dev.oms.rails.ImportRails.Outcome;
import dev.oms.rails.ImportRails.Request;
import dev.oms.rails.ImportRefused;
import dev.oms.start.JdbcUrl;
import io.quarkus.runtime.QuarkusApplication;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import org.jboss.logging.Logger;

/**
 * {@code --import <jdbc url>}: {@linkplain ImportRails takes over} the database of the Rails service, and exits: with 0
 * if all was carried over, 1 if the report lists something that was not, and 2 if the import was refused or failed.
 */
public class ImportTask implements QuarkusApplication {
    private static final Logger LOG = Logger.getLogger(ImportTask.class);
    private static final String USAGE = "use --import <jdbc url> [--rejects <file>].";
    private static final String REJECTS = "import-rejects.csv";

    private final ImportRails importRails;
    private final ImportConfig config;

    ImportTask(ImportRails importRails, ImportConfig config) {
        this.importRails = importRails;
        this.config = config;
    }

    @Override
    public int run(String... args) {
        List<String> arguments = List.of(args);
        boolean hasFile = arguments.size() == 4 && arguments.get(2).equals("--rejects");
        if (arguments.size() != 2 && !hasFile) {
            return refuse(USAGE);
        }
        JdbcUrl url;
        try {
            url = JdbcUrl.of(arguments.get(1));
        } catch (IllegalArgumentException e) {
            // The URL is not quoted: it may contain a password.
            return refuse("the source " + e.getMessage());
        }
        Path file;
        try {
            file = Path.of(hasFile ? arguments.get(3) : REJECTS);
        } catch (InvalidPathException e) {
            return refuse(USAGE);
        }
        return run(new Request(url.url(), config.user(), config.password(), file));
    }

    private int run(Request request) {
        long started = System.nanoTime();
        try {
            Outcome outcome = importRails.run(request);
            System.out.printf(
                    "Wrote %d users, %d items and %d orders in %d s; %d rows were rejected: see %s%n",
                    outcome.users(),
                    outcome.items(),
                    outcome.orders(),
                    Math.ceilDiv(Duration.ofNanos(System.nanoTime() - started).toMillis(), 1000L),
                    outcome.rejected(),
                    request.rejects());
            return outcome.rejected() == 0 ? 0 : 1;
        } catch (ImportRefused e) {
            return refuse(e.getMessage());
        } catch (SQLException e) {
            return stop(e);
        } catch (RuntimeException e) {
            LOG.error("The import failed", e);
            return stop(e);
        }
    }

    private static int stop(Exception e) {
        System.err.println("The import stopped, and goes on where it was when it is run again: "
                + String.valueOf(Causes.root(e).getMessage()).replaceAll("\\s*\\R\\s*", " "));
        return 2;
    }

    private static int refuse(String sentence) {
        System.err.println("OMS did not import: " + sentence);
        return 2;
    }
}
