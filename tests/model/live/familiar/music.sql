-- A shop of music: brackets around names, NVARCHAR, NUMERIC and DATETIME, keys apart from the columns.
CREATE TABLE [Artist] (
    [ArtistId] INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    [Name] NVARCHAR(120)
);
CREATE TABLE [Album] (
    [AlbumId] INTEGER NOT NULL,
    [Title] NVARCHAR(160) NOT NULL,
    [ArtistId] INTEGER NOT NULL,
    CONSTRAINT [PK_Album] PRIMARY KEY ([AlbumId]),
    FOREIGN KEY ([ArtistId]) REFERENCES "artist" ([artistid]) ON DELETE NO ACTION ON UPDATE NO ACTION
);
CREATE TABLE [MediaType] ([MediaTypeId] INTEGER NOT NULL, [Name] NVARCHAR(120), PRIMARY KEY ([MediaTypeId]));
CREATE TABLE [Track] (
    [TrackId] INTEGER NOT NULL PRIMARY KEY,
    [Name] NVARCHAR(200) NOT NULL,
    [AlbumId] INTEGER REFERENCES [Album],
    [MediaTypeId] INTEGER NOT NULL,
    [GenreId] INTEGER,
    [Composer] NVARCHAR(220),
    [Milliseconds] INTEGER NOT NULL,
    [Bytes] INTEGER,
    [UnitPrice] NUMERIC(10,2) NOT NULL,
    FOREIGN KEY ([MediaTypeId]) REFERENCES [MediaType] ([MediaTypeId]),
    -- The table does not exist.
    FOREIGN KEY ([GenreId]) REFERENCES [Genre] ([GenreId])
);
CREATE TABLE [Playlist] ([PlaylistId] INTEGER NOT NULL PRIMARY KEY, [Name] NVARCHAR(120));
CREATE TABLE [PlaylistTrack] (
    [PlaylistId] INTEGER NOT NULL,
    [TrackId] INTEGER NOT NULL,
    CONSTRAINT [PK_PlaylistTrack] PRIMARY KEY ([PlaylistId], [TrackId]),
    FOREIGN KEY ([PlaylistId]) REFERENCES [Playlist] ([PlaylistId]),
    FOREIGN KEY ([TrackId]) REFERENCES [Track] ([TrackId])
);
CREATE TABLE [Employee] (
    [EmployeeId] INTEGER NOT NULL PRIMARY KEY,
    [LastName] NVARCHAR(20) NOT NULL,
    [ReportsTo] INTEGER,
    [BirthDate] DATETIME,
    [HireDate] DATETIME,
    FOREIGN KEY ([ReportsTo]) REFERENCES [Employee] ([EmployeeId])
);
CREATE TABLE [Customer] (
    [CustomerId] INTEGER NOT NULL PRIMARY KEY,
    [FirstName] NVARCHAR(40) NOT NULL,
    [Email] NVARCHAR(60) NOT NULL,
    [SupportRepId] INTEGER,
    FOREIGN KEY ([SupportRepId]) REFERENCES [Employee] ([EmployeeId])
);
CREATE TABLE [Invoice] (
    [InvoiceId] INTEGER NOT NULL PRIMARY KEY,
    [CustomerId] INTEGER NOT NULL REFERENCES [Customer] ([CustomerId]),
    [InvoiceDate] DATETIME NOT NULL,
    [BillingCity] NVARCHAR(40),
    [Total] NUMERIC(10,2) NOT NULL
);
CREATE UNIQUE INDEX [IPK_Artist] ON [Artist]([ArtistId]);
CREATE INDEX [IFK_AlbumArtistId] ON [Album] ([ArtistId]);
CREATE INDEX [IFK_InvoiceCustomerId] ON [Invoice] ([CustomerId]);

INSERT INTO [Artist] VALUES (1, 'AC/DC'), (2, 'Accept'), (3, 'Antônio Carlos Jobim'), (4, NULL);
INSERT INTO [Album] VALUES (1, 'For Those About To Rock', 1), (2, 'Balls to the Wall', 2), (3, 'Let There Be Rock', 1);
INSERT INTO [MediaType] VALUES (1, 'MPEG audio file'), (2, 'Protected AAC audio file');
INSERT INTO [Track] VALUES (1, 'Put The Finger On You', 1, 1, 1, 'Angus Young, Malcolm Young', 205662, 6713451, 0.99),
    (2, 'Let''s Get It Up', 1, 1, 1, NULL, 233926, 7636561, 1.99), (3, 'Fast As a Shark', 2, 2, 7, NULL, 230619, 3990994, 0.99),
    (4, '"40"', NULL, 2, NULL, 'U2', 157962, NULL, 1), (5, 'Overdose', 3, 1, 1, '', 369319, 12066294, 0.99);
INSERT INTO [Playlist] VALUES (1, 'Music'), (2, 'Movies'), (3, NULL);
INSERT INTO [PlaylistTrack] VALUES (1, 1), (1, 2), (1, 3), (3, 2), (3, 5);
INSERT INTO [Employee] VALUES (1, 'Adams', NULL, '1962-02-18 00:00:00', '2002-08-14 00:00:00'),
    (2, 'Edwards', 1, '1958-12-08 00:00:00', '2002-05-01'), (3, 'Peacock', 2, NULL, '2002-04-01 00:00:00'),
    (4, 'Park', 2, '1947-09-19 00:00:00', '');
INSERT INTO [Customer] VALUES (1, 'Luís', 'luisg@embraer.example', 3), (2, 'Leonie', 'leonekohler@surfeu.example', NULL),
    (3, 'François', 'ftremblay@mail.example', 3);
INSERT INTO [Invoice] VALUES (1, 2, '2009-01-01 00:00:00', 'Stuttgart', 1.98), (2, 1, '2009-01-02 00:00:00', NULL, 3.96),
    (3, 1, '2009-01-02 12:30:00', 'São José dos Campos', 13.86);
