package dev.oms;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;
import static org.awaitility.Awaitility.await;

import dev.oms.embedded.EmbeddedServers;
import dev.oms.process.Child;
import dev.oms.process.OmsProcess;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;

/**
 * Runs every {@code console} block of the README on a fresh instance, in order, and compares what it prints. The
 * instance is seeded, as dev mode is, and the seeded orders are settled: the first order that the README places is
 * 10001.
 *
 * <p>In a block, a line that begins with "$ " is a command for {@code sh}; the lines up to the next command are its
 * output. A command without output only has to succeed. Timestamps and the names of workers are not compared. A curl
 * that only reads is repeated for up to 30 s until it prints what it should, because stock is settled after an order is
 * accepted.
 */
@EnabledIf(value = "areToolsInstalled", disabledReason = "There is no sh or no curl on the PATH")
class ReadmeIT {
    private static final Path README = Path.of("README.md");

    /** The address in the README; the instance has another port. */
    private static final String ADDRESS = "localhost:3000";

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final Duration LONGEST_COMMAND = Duration.ofSeconds(60);

    private static final Pattern TIME =
            Pattern.compile("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?(Z|[+-]\\d\\d:\\d\\d)");

    private static final Pattern WORKER = Pattern.compile("worker \\d+@[^\"]+");

    /**
     * A method other than GET, or a body, for curl; a letter may be one of several behind a dash, as in {@code -sX}.
     */
    private static final Pattern WRITES =
            Pattern.compile("\\s(-[a-zA-Z]*[XdFT]|--(request|data|json|form|upload-file))");

    private static EmbeddedServers servers;
    private static OmsProcess web;
    private static OmsProcess worker;

    private record Command(int line, String text, String output) {
        boolean onlyReads() {
            return text.startsWith("curl ") && !WRITES.matcher(text).find();
        }
    }

    private record Result(int exitCode, String output, String errors) {
        boolean fits(Command command) {
            return exitCode == 0
                    && (command.output().isEmpty() || masked(output).equals(masked(command.output())));
        }

        private static String masked(String text) {
            return WORKER.matcher(TIME.matcher(text).replaceAll("<time>")).replaceAll("<worker>");
        }
    }

    static boolean areToolsInstalled() {
        return Child.find("sh").isPresent() && Child.find("curl").isPresent();
    }

    @BeforeAll
    static void start() throws IOException, InterruptedException {
        servers = EmbeddedServers.start();
        Map<String, String> settings = servers.settings();
        assertThat(new OmsProcess("readme-seed", "prod", settings).run("--seed"))
                .as("--seed")
                .isZero();
        web = new OmsProcess("readme-web", "prod", settings);
        worker = new OmsProcess("readme-worker", "worker", settings);
        web.start();
        worker.start();
        web.awaitReady();
        worker.awaitReady();
        // The seeded orders come before the reader's, and would otherwise be settled among them.
        Ledger ledger = new Ledger(OmsServers.dataSource(settings));
        await().atMost(Duration.ofSeconds(60)).until(() -> ledger.count("orders where due is not null") == 0);
    }

    @AfterAll
    static void stop() {
        Stream.of(web, worker).filter(process -> process != null).forEach(OmsProcess::close);
        if (servers != null) {
            servers.stop();
        }
    }

    @Test
    void everyCommandDoesWhatTheReadmeSays() throws IOException, InterruptedException {
        List<Command> commands = commands(Files.readAllLines(README));
        assertThat(commands).as("commands in the console blocks of %s", README).isNotEmpty();

        for (Command command : commands) {
            Result result = run(command);
            long giveUp = System.nanoTime() + PATIENCE.toNanos();
            while (command.onlyReads() && !result.fits(command) && System.nanoTime() < giveUp) {
                Thread.sleep(100);
                result = run(command);
            }
            if (!result.fits(command)) {
                fail(
                        """
                        %s, line %d: this command does not do what the README says.
                        $ %s
                        expected: %s
                        actual:   %s
                        exit code %d, on standard error: %s""",
                        README,
                        command.line(),
                        command.text(),
                        command.output().isEmpty() ? "(success)" : command.output(),
                        result.output(),
                        result.exitCode(),
                        result.errors());
            }
        }
    }

    /** The commands in all console blocks, in order. */
    private static List<Command> commands(List<String> lines) {
        List<Command> commands = new ArrayList<>();
        boolean inBlock = false;
        for (int index = 0; index < lines.size(); index++) {
            String line = lines.get(index);
            if (line.startsWith("```")) {
                inBlock = line.equals("```console");
            } else if (inBlock && line.startsWith("$ ")) {
                commands.add(new Command(index + 1, line.substring(2), ""));
            } else if (inBlock) {
                Command last = commands.removeLast();
                commands.add(new Command(last.line(), last.text(), (last.output() + "\n" + line).strip()));
            }
        }
        return commands;
    }

    private static Result run(Command command) throws IOException, InterruptedException {
        Path output = Files.createTempFile("readme", ".out");
        Path errors = Files.createTempFile("readme", ".err");
        try {
            String address = web.uri("").getAuthority();
            Process process = new ProcessBuilder("sh", "-c", command.text().replace(ADDRESS, address))
                    .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")))
                    .redirectOutput(output.toFile())
                    .redirectError(errors.toFile())
                    .start();
            if (!process.waitFor(LONGEST_COMMAND.toSeconds(), TimeUnit.SECONDS)) {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly().waitFor();
            }
            return new Result(process.exitValue(), printed(output).replace(address, ADDRESS), printed(errors));
        } finally {
            Files.delete(output);
            Files.delete(errors);
        }
    }

    private static String printed(Path file) throws IOException {
        return Files.readString(file).replace("\r\n", "\n").strip();
    }
}
